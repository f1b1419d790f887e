"""Calls that several operations share: natural batching, question by question.

Nothing in flight: what is asked in this turn of the event loop is sent at its end, or a turn later while others wait
for answers, too, since those who came together seldom ask in one turn. Something in flight: what is asked meanwhile is
gathered, and sent when a call returns, when no more fits into one, or when the one in flight takes twice as long as
calls usually do, so that nobody waits for a slow one. The more calls are in flight, the longer the next
gathers: a backend that is slow because it has too much to do gets fewer and larger ones. A call that was sent takes
nobody in: an answer is never older than its question.

Each caller keeps its own deadline and may leave; errors go to the keys they belong to. Callers whose answers depend on
different things, such as lanes, never meet.
"""

import asyncio
from collections.abc import Awaitable, Hashable, Iterable, Sequence
from contextvars import Context, copy_context
from typing import Any, Generic

from loaders.batching import K, Question, V
from loaders.last_good import Memory
from schema.errcode import AtriumError, DeadlineExceeded
from schema.generated.sharing.v1.sharing_pb2 import SCOPE_PUBLIC, SCOPE_UNSPECIFIED
from services.runtime.channels import CALL_SECONDS, CallTally, call_tally
from services.runtime.deadline import deadline_in, time_left
from services.runtime.lane import in_lane, lane
from services.runtime.telemetry import Metrics, in_trace, span

GATHERING_SECONDS = 0.001
"""How long a question waits for a call in flight to return, until it is known how long calls take."""
LONGEST = 20
"""So many times that it never waits longer."""
MOST_DOUBLINGS = 5
LEARNING = 1 / 8
"""How much each call changes what is known of how long they take, as TCP learns round trips (RFC 6298)."""
GRACE_SECONDS = 0.02
"""How long after its deadline a caller is told so: a call that ends when its only caller does says it by itself."""


class Traffic:
    """The calls of a process, whatever they ask."""

    in_flight = 0
    """How many wait for their answers."""


class Shared(Generic[K, V]):
    """Asks the backend of a question on behalf of all operations of a process; a `Source` for each of them."""

    def __init__(
        self,
        question: Question[K, V],
        metrics: Metrics,
        group: asyncio.TaskGroup,
        *,
        memory: Memory[K, V] | None = None,
        traffic: Traffic | None = None,
        sharing: bool = True,
        gathering_seconds: float = GATHERING_SECONDS,
    ) -> None:
        """Calls are tasks of `group`, not of those who ask. Without `sharing` each who asks has a call alone.

        The `memory` is told what the backend answers. All questions of a process have one `traffic`.
        """
        self.question = question
        self.memory = memory
        self._traffic = traffic or Traffic()
        self._group = group
        self._shares = sharing and question.scope != SCOPE_UNSPECIFIED
        self._batch_size = metrics.loader_batch.labels(question.name)
        self._operations = metrics.loader_operations.labels(question.name)
        self._least_seconds = gathering_seconds
        self._most_seconds = gathering_seconds * LONGEST
        self._usual_seconds = 0.0
        """How long calls take."""
        self._gathering: dict[Hashable, _Call[K, V]] = {}
        self._in_flight: dict[Hashable, int] = {}

    def answers(self, keys: Sequence[K]) -> Awaitable[Sequence[V | AtriumError]]:
        """The answers in the order of the keys; DeadlineExceeded for each when the caller's time is over."""
        return self._join(keys) if len(keys) <= self.question.most else self._in_parts(keys)

    async def _in_parts(self, keys: Sequence[K]) -> Sequence[V | AtriumError]:
        most = self.question.most
        parts = [self._join(keys[start : start + most]) for start in range(0, len(keys), most)]
        try:
            return [answer for part in parts for answer in await part]
        finally:
            for part in parts:
                part.cancel()

    def _join(self, keys: Sequence[K]) -> "_Caller[K, V]":
        place = self._meeting_place()
        call = self._gathering.get(place)
        if call is not None and not self._fits(call.keys, keys):
            self._send(call)
            call = None
        if call is None:
            call = self._begin(place)
        return call.join(keys)

    def _fits(self, gathered: dict[K, None], keys: Sequence[K]) -> bool:
        most = self.question.most
        return len(gathered) + len(keys) <= most or len(gathered.keys() | set(keys)) <= most

    def _meeting_place(self) -> Hashable:
        """The same for all who may share a call: the lane that it is sent in, or nothing that anybody else has."""
        if not self._shares:
            return object()
        return "" if self.question.scope == SCOPE_PUBLIC else lane()

    def _begin(self, place: Hashable) -> "_Call[K, V]":
        call = self._gathering[place] = _Call(self, place)
        loop = asyncio.get_running_loop()
        if in_flight := self._in_flight.get(place, 0):
            call.timer = loop.call_later(self._patience(in_flight), self._send, call)
        else:
            is_busy = self._shares and self._traffic.in_flight
            call.timer = loop.call_soon(self._send_later if is_busy else self._send, call)
        return call

    def _patience(self, in_flight: int) -> float:
        """For how many seconds a call is gathered while so many are in flight."""
        seconds = max(self._least_seconds, 2 * self._usual_seconds)
        doubled = 1 << min(in_flight - 1, MOST_DOUBLINGS)
        return min(seconds * doubled, self._most_seconds)

    def _send_later(self, call: "_Call[K, V]") -> None:
        """Sends it in the next turn."""
        call.timer = asyncio.get_running_loop().call_soon(self._send, call)

    def _send(self, call: "_Call[K, V]") -> None:
        self.drop(call)
        sent_at = asyncio.get_running_loop().time()
        try:
            call.send(self._group).add_done_callback(lambda _: self._returned(call, sent_at))
        except RuntimeError:  # The application has ended, so the group takes nothing in.
            call.end()
            return
        self._traffic.in_flight += 1
        self._in_flight[call.place] = self._in_flight.get(call.place, 0) + 1
        self._batch_size.observe(len(call.keys))
        self._operations.observe(call.operations)

    def _returned(self, call: "_Call[K, V]", sent_at: float) -> None:
        call.end()
        self._learn(asyncio.get_running_loop().time() - sent_at)
        place = call.place
        self._traffic.in_flight -= 1
        self._in_flight[place] -= 1
        if not self._in_flight[place]:
            del self._in_flight[place]
        if gathered := self._gathering.get(place):
            self._send(gathered)

    def _learn(self, seconds: float) -> None:
        """A call took so long."""
        self._usual_seconds += (min(seconds, self._most_seconds) - self._usual_seconds) * LEARNING

    def drop(self, call: "_Call[K, V]") -> None:
        """The call is gathered no longer."""
        call.timer.cancel()
        del self._gathering[call.place]


class _Caller(asyncio.Future[Sequence[V | AtriumError]], Generic[K, V]):
    """The answers that one operation waits for, and what is the operation's own."""

    __slots__ = ("_call", "context", "ends_at", "keys", "tally")

    def __init__(self, call: "_Call[K, V]", keys: Sequence[K]) -> None:
        super().__init__()
        self._call = call
        self.keys = keys
        self.context = copy_context()
        self.ends_at = self.get_loop().time() + time_left(CALL_SECONDS)
        self.tally = call_tally.get() or CallTally()
        self.tally.hold(self)

    def cancel(self, msg: Any | None = None) -> bool:
        """Leaves the call; the last who does, ends it."""
        left = super().cancel(msg)
        if left:
            self._call.leave(self)
        return left

    def tell(self, answers: Sequence[V | AtriumError] | Exception) -> None:
        """Ends the wait, with answers or with what went wrong that nobody foresaw."""
        self.tally.release(self)
        if isinstance(answers, Exception):
            self.set_exception(answers)
        else:
            self.set_result(answers)


class _Call(Generic[K, V]):
    """One call: first gathered, then in flight."""

    __slots__ = ("_callers", "_shared", "_task", "_watch", "keys", "operations", "place", "timer")

    def __init__(self, shared: Shared[K, V], place: Hashable) -> None:
        self._shared = shared
        self._callers: dict[_Caller[K, V], None] = {}
        self._task: asyncio.Task[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self.place = place
        self.keys: dict[K, None] = {}
        self.operations = 0
        """How many it was sent for."""
        self.timer: asyncio.Handle
        """Sends it."""

    def join(self, keys: Sequence[K]) -> _Caller[K, V]:
        """One more waits for the answers to these keys."""
        caller = _Caller(self, keys)
        self._callers[caller] = None
        self.keys.update(dict.fromkeys(keys))
        return caller

    def leave(self, caller: _Caller[K, V]) -> None:
        """That one waits no longer. What nobody waits for is not asked; when nobody is left, nothing is."""
        caller.tally.release(caller)
        del self._callers[caller]
        if not self._callers and self._task:
            self._task.cancel()
        elif not self._callers:
            self._shared.drop(self)
        elif not self._task:
            self.keys = dict.fromkeys(key for caller in self._callers for key in caller.keys)

    def send(self, group: asyncio.TaskGroup) -> asyncio.Task[None]:
        """The task of the call: a part of the operation that it is for, with deadline and trace, if it is for one."""
        tallies = {caller.tally for caller in self._callers}
        self.operations = len(tallies)
        context = next(iter(self._callers)).context
        if self.operations > 1:
            context = Context()
            for tally in tallies:
                tally.add(self.operations)
        running = self._run()
        try:
            self._task = group.create_task(running, context=context)
        except RuntimeError:
            running.close()
            raise
        self._expire()
        return self._task

    async def _run(self) -> None:
        try:
            found = await (self._asked_for_all() if self.operations > 1 else self._asked())
        except Exception as error:
            for caller in self._taken():
                caller.tell(error)
        else:
            for caller in self._taken():
                answers = [found[key] for key in caller.keys]
                caller.tell(_own(answers) if self.operations > 1 else answers)

    async def _asked(self, links: Iterable[Context] = ()) -> dict[K, V | AtriumError]:
        question = self._shared.question
        sizes = {"atrium.keys": len(self.keys), "atrium.operations": self.operations}
        with span(f"load {question.name}", sizes, links):
            if (memory := self._shared.memory) is None:
                return await question.answered(list(self.keys))
            since = memory.now()
            found = await question.answered(list(self.keys))
            memory.learn(found, since)
            return found

    async def _asked_for_all(self) -> dict[K, V | AtriumError]:
        seconds = max(caller.ends_at for caller in self._callers) - asyncio.get_running_loop().time()
        links = [caller.context for caller in self._callers]
        with deadline_in(seconds), in_lane(str(self.place)), in_trace():
            return await self._asked(links)

    def _expire(self) -> None:
        """Tells those whose time is over, and comes again when the next one's is."""
        loop, question = asyncio.get_running_loop(), self._shared.question
        now = loop.time()
        for caller in [caller for caller in self._callers if caller.ends_at + GRACE_SECONDS <= now]:
            caller.tell([question.blamed(DeadlineExceeded()) for _ in caller.keys])
            self.leave(caller)
        if self._callers:
            next_end = min(caller.ends_at for caller in self._callers)
            self._watch = loop.call_at(next_end + GRACE_SECONDS, self._expire)

    def end(self) -> None:
        """The call is over; whoever still waits gets nothing from it."""
        if self._watch:
            self._watch.cancel()
        for caller in self._taken():
            caller.tell([self._shared.question.unanswered() for _ in caller.keys])

    def _taken(self) -> Iterable[_Caller[K, V]]:
        callers, self._callers = self._callers, {}
        return callers


def _own(answers: list[V | AtriumError]) -> list[V | AtriumError]:
    """The answers, with errors that no other operation raises: raising writes into them."""
    errors = {id(answer): answer.again() for answer in answers if isinstance(answer, AtriumError)}
    return [errors.get(id(answer), answer) for answer in answers] if errors else answers
