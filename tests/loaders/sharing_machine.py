"""Operations that join, leave and run out of time, and a backend that answers as it likes, interleaved by hypothesis.

Time stands still until the machine moves it. The machine knows what each operation may be told, and looks after every
step.
"""

import asyncio
from collections.abc import Awaitable, Hashable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeAlias

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from loaders.batching import UNANSWERED, Question
from loaders.sharing import GRACE_SECONDS, LONGEST, Shared
from schema.errcode import AtriumError, BackendUnavailable, DeadlineExceeded, Overloaded
from schema.generated.sharing.v1.sharing_pb2 import SCOPE_LANE
from services.runtime.channels import CALL_SECONDS, CallTally, call_tally
from services.runtime.deadline import deadline_in, time_left
from services.runtime.lane import in_lane, lane
from services.runtime.tasks import task_group
from services.runtime.telemetry import Metrics
from tests.loaders.squares import turns

MOST = 4
TICK = 0.001
"""How long a question is gathered at least while one call is in flight."""
MOST_SECONDS = TICK * LONGEST
"""How long at most: while there are many, or calls take long."""
SLACK = 300.0
"""Deadlines are by a clock that does not stand still, on a machine that may."""
KEYS = st.lists(st.integers(0, 6), min_size=1, max_size=6, unique=True)
SECONDS = st.sampled_from([1000.0, 5000.0, 10_000.0])
Answers: TypeAlias = Sequence[str | AtriumError]


class HandLoop(asyncio.SelectorEventLoop):
    """An event loop whose time moves only when it is told to."""

    now = 0.0

    def time(self) -> float:
        """Seconds since the start."""
        return self.now


@dataclass(eq=False)
class Call:
    """What the backend was asked."""

    number: int
    keys: list[int]
    lane: str
    ends_at: float
    reply: "asyncio.Future[Mapping[Hashable, str]]"
    found: Mapping[Hashable, str] | None = None
    """What it was answered."""
    failure: Exception | None = None

    @property
    def in_flight(self) -> bool:
        return not self.reply.done()


@dataclass(eq=False)
class Caller:
    """An operation that asked."""

    keys: list[int]
    lane: str
    asked_at: float
    ends_at: float
    calls_before: int
    answers: "asyncio.Future[Answers | Exception]"

    @property
    def waits(self) -> bool:
        return not self.answers.done()


class SharingMachine(RuleBasedStateMachine):
    """A backend, and operations that ask it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop, self.stopping = HandLoop(), asyncio.Event()
        self.complaints: list[Any] = []
        self.loop.set_exception_handler(lambda _, context: self.complaints.append(context))
        self.calls: list[Call] = []
        self.callers: list[Caller] = []
        self.application = self.loop.create_task(self.live())
        self.settle()

    async def live(self) -> None:
        async with task_group() as self.group:
            question = Question[int, str]("words", "dictionary", self.ask, UNANSWERED, scope=SCOPE_LANE, most=MOST)
            self.shared = Shared(question, Metrics(), self.group, gathering_seconds=TICK)
            await self.stopping.wait()

    def settle(self) -> None:
        """Lets everything happen that needs no time."""
        self.loop.run_until_complete(turns(20))

    async def ask(self, keys: list[int]) -> Mapping[Hashable, str]:
        """The backend."""
        ends_at = self.loop.now + time_left(CALL_SECONDS)
        call = Call(len(self.calls), keys, lane(), ends_at, self.loop.create_future())
        self.check_call(call)
        self.calls.append(call)
        return await call.reply

    # What happens.

    @rule(asked=st.lists(st.tuples(KEYS, st.sampled_from(["", "red"]), SECONDS), min_size=1, max_size=3))
    def join(self, asked: list[tuple[list[int], str, float]]) -> None:
        """Operations ask in one turn."""
        self.loop.run_until_complete(self.join_now(asked))
        self.settle()

    async def join_now(self, asked: list[tuple[list[int], str, float]]) -> None:
        for keys, name, seconds in asked:
            context = copy_context()
            context.run(call_tally.set, CallTally())
            answers = context.run(self.answers, keys, name, seconds)
            now = self.loop.now
            self.callers.append(Caller(keys, name, now, now + seconds, len(self.calls), answers))

    def answers(self, keys: list[int], name: str, seconds: float) -> "asyncio.Future[Answers | Exception]":
        with in_lane(name), deadline_in(seconds):
            return self.group.create_task(awaited(self.shared.answers(keys)))

    @precondition(lambda self: any(caller.waits for caller in self.callers))
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        """An operation ends before it has its answers."""
        data.draw(st.sampled_from([caller for caller in self.callers if caller.waits])).answers.cancel()
        self.settle()

    @rule(seconds=st.sampled_from([TICK, 5 * TICK, MOST_SECONDS, 500.0, 2000.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        for step in (min(seconds, MOST_SECONDS), max(0.0, seconds - MOST_SECONDS)):
            self.loop.now += step
            self.settle()

    @precondition(lambda self: any(call.in_flight for call in self.calls))
    @rule(data=st.data(), lost=st.sets(st.integers(0, 6), max_size=3), foreign=st.sets(st.integers(7, 9)))
    def reply(self, data: st.DataObject, lost: set[int], foreign: set[int]) -> None:
        """The backend answers, all but the `lost` keys, and what nobody asked."""
        call = data.draw(st.sampled_from([call for call in self.calls if call.in_flight]))
        call.found = {key: f"{call.number}:{key}" for key in {*call.keys, *foreign} - lost}
        call.reply.set_result(call.found)
        self.settle()

    @precondition(lambda self: any(call.in_flight for call in self.calls))
    @rule(data=st.data(), unforeseen=st.booleans())
    def fail(self, data: st.DataObject, unforeseen: bool) -> None:
        """The backend fails a call."""
        call = data.draw(st.sampled_from([call for call in self.calls if call.in_flight]))
        call.failure = ZeroDivisionError(call.number) if unforeseen else Overloaded(f"{call.number}")
        call.reply.set_exception(call.failure)
        self.settle()

    def teardown(self) -> None:
        """At the end of the application everybody has been told something."""
        self.stopping.set()
        self.settle()
        self.loop.close()
        assert self.application.done()
        assert not any(caller.waits for caller in self.callers)
        self.check_answers()
        assert self.complaints == []

    # What must be so.

    def askers(self, call: Call) -> list[Caller]:
        """Who may wait for a call."""
        return [
            caller
            for caller in self.callers
            if caller.waits and caller.lane == call.lane and caller.calls_before <= call.number
        ]

    def check_call(self, call: Call) -> None:
        """Nothing is asked that nobody waits for, nothing twice, nothing too large, none longer than anybody waits."""
        askers = self.askers(call)
        assert len(set(call.keys)) == len(call.keys) <= MOST
        assert set(call.keys) <= {key for caller in askers for key in caller.keys}
        assert any(abs(call.ends_at - caller.ends_at) < SLACK for caller in askers)

    @invariant()
    def check_calls(self) -> None:
        """A call is in flight only as long as somebody waits for it."""
        for call in filter(lambda call: call.in_flight, self.calls):
            assert any(set(call.keys) & set(caller.keys) for caller in self.askers(call))

    @invariant()
    def check_waiting(self) -> None:
        """Whoever waits has time left; what it waits for is in flight, and for as long, as soon as it must be."""
        for caller in filter(lambda caller: caller.waits, self.callers):
            assert self.loop.now <= caller.ends_at + GRACE_SECONDS + SLACK
            if self.loop.now >= caller.asked_at + MOST_SECONDS:
                assert all(self.is_asked(caller, key) for key in caller.keys)

    def is_asked(self, caller: Caller, key: int) -> bool:
        """Whether a key of a caller is in flight, or was."""
        return any(
            key in call.keys and (not call.in_flight or call.ends_at > caller.ends_at - SLACK)
            for call in self.calls_for(caller)
        )

    def calls_for(self, caller: Caller) -> list[Call]:
        """The calls that a caller may be answered by."""
        return [call for call in self.calls[caller.calls_before :] if call.lane == caller.lane]

    @invariant()
    def check_answers(self) -> None:
        """Whoever was answered was answered what the backend said to each key, after the question."""
        for caller in self.callers:
            if caller.waits or caller.answers.cancelled():
                continue
            answers = caller.answers.result()
            if isinstance(answers, Exception):
                assert any(call.failure is answers for call in self.calls[caller.calls_before :])
                continue
            for key, answer in zip(caller.keys, answers, strict=True):
                assert self.may_be_told(caller, key, answer), (key, answer)

    def may_be_told(self, caller: Caller, key: int, answer: str | AtriumError) -> bool:
        """Whether a caller may be answered that for a key."""
        calls = [call for call in self.calls_for(caller) if key in call.keys]
        match answer:
            case DeadlineExceeded():
                return self.loop.now >= caller.ends_at + GRACE_SECONDS - SLACK
            case Overloaded():
                return any(call.failure and str(call.failure) == str(answer) for call in calls)
            case BackendUnavailable():
                return self.stopping.is_set() or any(call.found is not None and key not in call.found for call in calls)
        return any(call.found is not None and answer == call.found.get(key) for call in calls)


async def awaited(answers: Awaitable[Answers]) -> Answers | Exception:
    """What comes of them, for a task that must not fail."""
    try:
        return await answers
    except ZeroDivisionError as error:
        return error
