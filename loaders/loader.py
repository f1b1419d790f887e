"""The loaders of one operation: they gather what is asked in one turn of the event loop, and remember every answer."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from loaders.batching import Source
from schema.errcode import OUTAGES, AtriumError

K = TypeVar("K")
V = TypeVar("V")
Recalled: TypeAlias = Callable[[Mapping[K, AtriumError]], Coroutine[Any, Any, Mapping[K, AtriumError]]]
"""Gives those errors anew that come with a last good answer; never fails."""


class Loader(Generic[K, V]):
    """Answers one question for one operation; fits `ports.Loader`. What was asked once is not asked again."""

    __slots__ = ("_asked", "_gathering", "_group", "_recalled", "_source")

    def __init__(self, source: Source[K, V], group: asyncio.TaskGroup, recalled: Recalled[K] | None = None) -> None:
        """Keys of one turn go to `source` together; `group` has the tasks of that, where it needs some.

        Errors of backends that could not answer are first `recalled`: they may come with the last good answers then.
        """
        self._source = source
        self._group = group
        self._asked: dict[K, Answer[K, V]] = {}
        self._recalled = recalled
        self._gathering: _Batch[K, V] | None = None

    def load(self, key: K) -> "Answer[K, V]":
        """The answer for `key`; raises what kept it from being answered."""
        answer = self._asked.get(key)
        if answer is None:
            batch = self._gathering or self._begin()
            batch.keys.append(key)
            answer = self._asked[key] = Answer(batch, key)
        return answer

    def load_many(self, keys: Iterable[K]) -> "Answers[K, V]":
        """The answers in the order of the keys; raises what kept the first that failed from being answered."""
        return Answers([self.load(key) for key in keys])

    def _begin(self) -> "_Batch[K, V]":
        loop = asyncio.get_running_loop()
        loop.call_soon(self._send)
        self._gathering = _Batch(loop, self._group, self._recalled)
        return self._gathering

    def _send(self) -> None:
        batch, self._gathering = self._gathering, None
        if batch is not None:
            reply = self._source.answers(batch.keys)
            if isinstance(reply, asyncio.Future):
                reply.add_done_callback(batch.take)
            else:
                self._group.create_task(batch.run(reply))


class Answer(Generic[K, V]):
    """The answer for one key, to be awaited as often as one likes."""

    __slots__ = ("_batch", "_key")

    def __init__(self, batch: "_Batch[K, V]", key: K) -> None:
        self._batch = batch
        self._key = key

    @property
    def future(self) -> "asyncio.Future[None] | None":
        """What to wait for, shared by the keys of a batch; None once there is a result."""
        return self._batch.awaited

    def result(self) -> V:
        """The answer, once it is there; raises what kept it from being."""
        return self._batch.answer(self._key)

    def __await__(self) -> Generator[Any, None, V]:
        batch = self._batch
        if batch.answers is None:
            yield from batch.wait()
        return batch.answer(self._key)


class Answers(Generic[K, V]):
    """The answers for several keys, in their order."""

    __slots__ = ("_answers",)

    def __init__(self, answers: list[Answer[K, V]]) -> None:
        self._answers = answers

    def __await__(self) -> Generator[Any, None, list[V]]:
        found = []
        for answer in self._answers:
            found.append((yield from answer.__await__()))
        return found


class _Batch(Generic[K, V]):
    """Keys that are asked for together, and what came of them. All who wait share one future."""

    __slots__ = ("_group", "_recalled", "answers", "awaited", "keys")

    def __init__(self, loop: asyncio.AbstractEventLoop, group: asyncio.TaskGroup, recalled: Recalled[K] | None) -> None:
        self._group = group
        self._recalled = recalled
        self.keys: list[K] = []
        self.answers: Mapping[K, V | BaseException] | None = None
        self.awaited: asyncio.Future[None] | None = None
        """Done when there are answers; None from then on."""
        self._await(loop)

    def _await(self, loop: asyncio.AbstractEventLoop) -> None:
        self.awaited = loop.create_future()
        self.awaited.add_done_callback(self._on_done)

    def _on_done(self, future: "asyncio.Future[None]") -> None:
        """Whoever waits and is cancelled takes the future along: then there is another."""
        if future.cancelled() and future is self.awaited:
            self._await(future.get_loop())

    def wait(self) -> Generator[Any, None, None]:
        """Until there are answers. Of several who wait, one that is cancelled takes none of the others with it."""
        while (future := self.awaited) is not None:
            try:
                yield from future
            except asyncio.CancelledError:
                if not future.cancelled() or _is_cancelled():
                    raise

    def answer(self, key: K) -> V:
        """What was answered; raises what kept it from being."""
        assert self.answers is not None
        found = self.answers[key]
        if isinstance(found, BaseException):
            raise found
        return found

    async def run(self, reply: Awaitable[Sequence[V | AtriumError]]) -> None:
        """Waits for the answers in a task of its own."""
        try:
            self._settle(await reply)
        except Exception as error:
            self._fail(error)
        except asyncio.CancelledError as error:
            self._fail(error)
            raise

    def take(self, reply: "asyncio.Future[Sequence[V | AtriumError]]") -> None:
        """The answers are there, or what failed instead."""
        try:
            self._settle(reply.result())
        except (Exception, asyncio.CancelledError) as error:
            self._fail(error)

    def _settle(self, answers: Sequence[V | AtriumError]) -> None:
        self._recall(dict(zip(self.keys, answers, strict=True)))

    def _fail(self, error: BaseException) -> None:
        self._recall(dict.fromkeys(self.keys, error))

    def _recall(self, answers: dict[K, V | BaseException]) -> None:
        """Tells the answers, those that failed perhaps with what was answered before."""
        if self._recalled is None:
            return self._tell(answers)
        failed = {key: answer for key, answer in answers.items() if isinstance(answer, OUTAGES)}
        return self._tell_recalled(answers, self._recalled(failed)) if failed else self._tell(answers)

    def _tell_recalled(
        self, answers: dict[K, V | BaseException], recalling: Coroutine[Any, Any, Mapping[K, AtriumError]]
    ) -> None:
        telling = self._tell_after(answers, recalling)
        try:
            self._group.create_task(telling)
        except RuntimeError:  # The application has ended, so the group takes nothing in.
            telling.close()
            recalling.close()
            self._tell(answers)

    async def _tell_after(
        self, answers: dict[K, V | BaseException], recalling: Awaitable[Mapping[K, AtriumError]]
    ) -> None:
        try:
            answers |= await recalling
        finally:
            self._tell(answers)

    def _tell(self, answers: Mapping[K, V | BaseException]) -> None:
        self.answers = answers
        self._wake()

    def _wake(self) -> None:
        future, self.awaited = self.awaited, None
        if future is not None and not future.done():
            future.set_result(None)


def _is_cancelled() -> bool:
    """Whether it is this task that somebody cancels."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
