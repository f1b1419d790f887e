"""Queries that are asked, end, leave and are overtaken by changes, interleaved by hypothesis.

Time stands still until the machine moves it. The machine knows what each who asks may be told, and looks after every
step.
"""

import asyncio
from contextvars import ContextVar, copy_context
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.joint import CLOSE, MOMENT_SECONDS, Joint
from schema.errcode import AtriumError, Internal, Overloaded
from services.runtime.channels import CallTally, call_tally
from services.runtime.tasks import task_group
from tests.loaders.sharing_machine import HandLoop
from tests.loaders.squares import turns

SECONDS = st.sampled_from([0.1, 5.0, 10.0])

seconds_left: ContextVar[float] = ContextVar("seconds_left")


@dataclass(eq=False)
class Work:
    """What was begun."""

    number: int
    key: str
    began: float
    seconds: float
    changes: int
    reply: "asyncio.Future[str]"
    failure: Exception | None = None


@dataclass(eq=False)
class Asker:
    """Somebody who asks."""

    key: str
    seconds: float
    changes: int
    asked_at: float
    tally: CallTally
    told: "asyncio.Task[str | AtriumError]"


class JointMachine(RuleBasedStateMachine):
    """Those who ask, and the work that is done for them."""

    def __init__(self) -> None:
        super().__init__()
        self.loop, self.stopping = HandLoop(), asyncio.Event()
        self.complaints: list[object] = []
        self.loop.set_exception_handler(lambda _, context: self.complaints.append(context))
        self.works: list[Work] = []
        self.askers: list[Asker] = []
        self.joins = self.changes = self.heard = 0
        self.application = self.loop.create_task(self.live())
        self.settle()

    async def live(self) -> None:
        async with task_group() as self.group, asyncio.TaskGroup() as self.requests:
            self.joint = Joint[str](self.group, self.join, lambda: self.heard, seconds_left.get)
            await self.stopping.wait()
            for asker in self.askers:
                asker.told.cancel()

    def join(self) -> None:
        self.joins += 1

    def settle(self) -> None:
        """Lets everything happen that needs no time."""
        self.loop.run_until_complete(turns(20))

    async def work(self, key: str, seconds: float) -> str:
        """What is asked for: one call, and its reply."""
        work = Work(len(self.works), key, self.loop.now, seconds, self.changes, self.loop.create_future())
        self.works.append(work)
        tally = call_tally.get()
        assert tally is not None
        tally.add()
        return await work.reply

    # What happens.

    @rule(keys=st.lists(st.sampled_from("ab"), min_size=1, max_size=4), seconds=SECONDS)
    def ask(self, keys: list[str], seconds: float) -> None:
        """Some ask in one turn."""
        for key in keys:
            tally = CallTally()
            context = copy_context()
            context.run(call_tally.set, tally)
            told = self.requests.create_task(self.asked(key, seconds), context=context)
            self.askers.append(Asker(key, seconds, self.changes, self.loop.now, tally, told))
        self.settle()

    async def asked(self, key: str, seconds: float) -> str | AtriumError:
        seconds_left.set(seconds)
        try:
            return await self.joint.result(key, lambda: self.work(key, seconds))
        except AtriumError as error:
            return error

    @rule(own=st.booleans())
    def change(self, own: bool) -> None:
        """Something changes, by this process or by another."""
        self.changes += 1
        if own:
            self.joint.changed()
        else:
            self.heard += 1

    @rule(seconds=st.sampled_from([MOMENT_SECONDS / 2, 1.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.loop.now += seconds
        self.settle()

    @precondition(lambda self: any(not asker.told.done() for asker in self.askers))
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        """Somebody leaves before there is an answer."""
        data.draw(st.sampled_from([asker for asker in self.askers if not asker.told.done()])).told.cancel()
        self.settle()

    @precondition(lambda self: any(not work.reply.done() for work in self.works))
    @rule(data=st.data(), failure=st.sampled_from([None, Overloaded, ZeroDivisionError]))
    def end(self, data: st.DataObject, failure: type[Exception] | None) -> None:
        """Some work ends."""
        work = data.draw(st.sampled_from([work for work in self.works if not work.reply.done()]))
        if failure is None:
            work.reply.set_result(f"{work.key}{work.number}")
        else:
            work.failure = failure(f"{work.number}")
            work.reply.set_exception(work.failure)
        self.settle()

    def teardown(self) -> None:
        """At the end of the application nothing is left."""
        self.stopping.set()
        self.settle()
        self.loop.close()
        assert self.application.done()
        assert all(work.reply.done() for work in self.works)
        assert self.complaints == []

    # What must be so.

    def may_serve(self, work: Work, asker: Asker) -> bool:
        """Whether the work is equal to what somebody asks, of the same moment, and knows all changes before."""
        age = asker.asked_at - work.began
        differs = abs(asker.asked_at + asker.seconds - work.began - work.seconds)
        is_equal = (work.key, work.changes) == (asker.key, asker.changes)
        return is_equal and 0 <= age <= MOMENT_SECONDS and differs <= min(MOMENT_SECONDS, asker.seconds / CLOSE)

    @invariant()
    def check_told(self) -> None:
        """Whoever was told something was told what came of work that may serve."""
        for asker in self.askers:
            if not asker.told.done() or asker.told.cancelled():
                continue
            told = asker.told.result()
            served = [work for work in self.works if self.may_serve(work, asker) and is_told(work, told)]
            assert served, told

    @invariant()
    def check_work(self) -> None:
        """Work goes on exactly as long as somebody waits for it, and nobody waits for nothing."""
        waiting = [asker for asker in self.askers if not asker.told.done()]
        going = [work for work in self.works if not work.reply.done()]
        assert all(any(self.may_serve(work, asker) for asker in waiting) for work in going)
        assert all(any(self.may_serve(work, asker) for work in going) for asker in waiting)

    @invariant()
    def check_counts(self) -> None:
        """Everybody who asked began something or joined; calls are counted once over all who waited for their end."""
        assert len(self.works) + self.joins == len(self.askers)
        ended = [work for work in self.works if work.reply.done() and not work.reply.cancelled()]
        assert round(sum(asker.tally.share for asker in self.askers), 6) == len(ended)


def is_told(work: Work, told: str | AtriumError) -> bool:
    """Whether that came of the work."""
    if isinstance(told, Internal):
        return isinstance(work.failure, ZeroDivisionError)
    if isinstance(told, Overloaded):
        return str(work.failure) == str(told) and told is not work.failure
    return told == f"{work.key}{work.number}"
