"""What is asked of the activity backend for a subscriber beside the messages that come by themselves."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import structlog

from schema.errcode import AtriumError
from schema.generated.activity.v1 import activity_pb2
from schema.graphql.ports import Identity

T = TypeVar("T")
PAGE = 200
"""How many activities one call fetches."""
SHOWN = 20
"""How many of a feed's first activities are looked at: those whose messages may be on their way."""
AT_ONCE = 16
"""How many calls a process makes at once: after a loss of the cache all subscribers want to know what they missed."""
RETRY_SECONDS = 1.0
_log = structlog.get_logger(__name__)


class Questions(Protocol):
    """Asks the activity backend; raises AtriumError when it does not answer."""

    async def newest(self, viewer: Identity, first: int) -> Sequence[activity_pb2.Activity]:
        """The first activities that the viewer's feed shows now, newest first."""
        ...

    async def followees(self, account_id: int) -> Sequence[int]:
        """Whom the account follows."""
        ...

    async def feed_since(
        self, viewer: Identity, after_id: int, limit: int
    ) -> tuple[Sequence[activity_pb2.Activity], bool]:
        """Activities of the viewer's feed that are newer than one, oldest first; whether there are more."""
        ...


class Past:
    """Asks these questions in turns."""

    def __init__(
        self,
        questions: Questions,
        retry_seconds: float = RETRY_SECONDS,
        turns: asyncio.Semaphore | None = None,
        *,
        is_patient: bool = False,
    ) -> None:
        """One that is patient asks again, after about `retry_seconds`, while nobody answers."""
        self._questions = questions
        self._retry_seconds = retry_seconds
        self._turns = turns or asyncio.Semaphore(AT_ONCE)
        self._is_patient = is_patient

    def patient(self) -> "Past":
        """The same, for somebody who can wait."""
        return Past(self._questions, self._retry_seconds, self._turns, is_patient=True)

    async def newest(self, viewer: Identity) -> Sequence[activity_pb2.Activity]:
        """The first activities that the viewer's feed shows now, newest first; there are more if it is SHOWN."""
        return await self._ask(lambda: self._questions.newest(viewer, SHOWN))

    async def followees(self, account_id: int) -> Sequence[int]:
        """Whom the account follows."""
        return await self._ask(lambda: self._questions.followees(account_id))

    async def since(self, viewer: Identity, after_id: int) -> tuple[Sequence[activity_pb2.Activity], bool]:
        """Activities of the viewer's feed that are newer than one, oldest first; whether there are more."""
        return await self._ask(lambda: self._questions.feed_since(viewer, after_id, PAGE))

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                async with self._turns:
                    return await question()
            except AtriumError as error:
                if not (self._is_patient and error.retryable):
                    raise
                _log.warning("push could not ask for what was missed", code=error.code)
            await asyncio.sleep(self._retry_seconds * random.uniform(0.5, 1.5))  # noqa: S311
