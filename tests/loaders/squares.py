"""A backend that knows squares, and lets tests decide when it answers."""

import asyncio
from collections.abc import Hashable, Mapping
from contextvars import Context, copy_context

from loaders.batching import Question
from schema.generated.sharing.v1.sharing_pb2 import SCOPE_LANE, Scope


class Squares:
    """Answers a number's square, never that of 13; remembers what it was asked."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.contexts: list[Context] = []
        """That each batch was asked in."""
        self.failure: Exception | None = None
        self.asked, self.gate, self.cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def ask(self, keys: list[int]) -> Mapping[Hashable, int]:
        self.batches.append(keys)
        self.contexts.append(copy_context())
        self.asked.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        if self.failure:
            raise self.failure
        squares: dict[Hashable, int] = {key: key * key for key in reversed(keys) if key != 13}
        return squares | {99: 0}

    def question(self, scope: Scope.ValueType = SCOPE_LANE, most: int = 3) -> Question[int, int | None]:
        """What is asked; nothing for 13."""
        return Question("squares", "mathematics", self.ask, missing=None, scope=scope, most=most)


async def turns(number: int = 10) -> None:
    """Lets the event loop turn so often."""
    for _ in range(number):
        await asyncio.sleep(0)
