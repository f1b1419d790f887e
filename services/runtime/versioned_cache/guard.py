"""The protocol on the keys of one prefix, whatever their entries mean, through failures of the cache."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeAlias, TypeVar

from services.runtime.versioned_cache.entries import CACHE_FAILURES, Entries, Fill
from services.runtime.versioned_cache.outage import Outage

R = TypeVar("R")
Held: TypeAlias = dict[str, bytes | None]
"""What keys hold; one that must not be used now is not among them."""


def is_taken(entry: bytes) -> bool:
    """Whether the entry is a lease or a mark: the key is to be left alone."""
    return entry[:1] in (b"L", b"W")


def new_mark() -> bytes:
    """The mark of one writer."""
    return b"W" + secrets.token_bytes(12)


class Guard:
    """Reads and writes entries so that the promise holds. Nothing here fails because of the cache."""

    def __init__(self, entries: Entries, prefix: str, outage: Outage | None = None) -> None:
        """`prefix` begins every key; those on one Redis may share an outage."""
        self._entries = entries
        self._prefix = prefix
        self._outage = outage or Outage()
        self._owed: dict[str, object] = {}

    @property
    def owed(self) -> frozenset[str]:
        """The keys whose last write could not settle: read from the store until they are emptied."""
        return frozenset(self._owed)

    def place(self, key: str) -> str:
        """What the cache calls the key."""
        return self._prefix + key

    async def look(self, keys: Sequence[str]) -> Held:
        """What the keys hold, in one round trip; those that must not be used now are left out."""
        usable = await self._usable(keys)
        held = await self._attempt(self._entries.fetch([self._prefix + key for key in usable])) if usable else None
        return dict(zip(usable, held, strict=True)) if held is not None else {}

    async def lease(self, empty: Collection[str], spoiled: Collection[str]) -> dict[str, bytes]:
        """Leases for those of the empty keys that nobody else has taken; those in `spoiled` are emptied first."""
        if not empty:
            return {}
        leases = {self._prefix + key: b"L" + secrets.token_bytes(12) for key in empty}
        got = await self._attempt(self._entries.lease(leases, [self._prefix + key for key in spoiled]))
        return {key.removeprefix(self._prefix): leases[key] for key in got or ()}

    async def fill(self, fills: Sequence[Fill]) -> None:
        """Puts each entry in the place of its lease, or of the entry that it renews, if that still stands."""
        if fills:
            await self._attempt(self._entries.fill([replace(fill, key=self._prefix + fill.key) for fill in fills]))

    async def mark(self, key: str, mark: bytes) -> bool:
        """Puts a writer's mark on the key; whether it is known to be there."""
        return await self._done(self._entries.mark(self._prefix + key, mark))

    async def settle(self, key: str, mark: bytes, version: int, entry: bytes, milliseconds: int) -> None:
        """Puts the entry in the place of the mark or of a lower version, or empties the key."""
        await self._settled([key], self._entries.settle(self._prefix + key, mark, version, entry, milliseconds))

    async def forget(self, keys: Collection[str]) -> None:
        """Empties the keys."""
        await self._settled(keys, self._entries.empty([self._prefix + key for key in keys]))

    @asynccontextmanager
    async def forgetting(self, keys: Iterable[str]) -> AsyncIterator[None]:
        """Wraps a transaction that changes or deletes the values of `keys`, all of which the cache then forgets.

        It takes two round trips for all. Begin it before the commit, end it after: inside the transaction will do for
        its beginning.
        """
        written = list(dict.fromkeys(keys))
        if not written:
            yield
            return
        try:
            await self._done(self._entries.mark_all({self._prefix + key: new_mark() for key in written}))
            yield
        finally:
            await self.forget(written)

    async def _settled(self, keys: Collection[str], call: Awaitable[None]) -> None:
        """Runs the last call of a write; when that fails or is cancelled, remembers that the keys must be emptied."""
        try:
            await call
        except CACHE_FAILURES as error:
            self._owe(keys)
            self._outage.failed(error)
        except BaseException:
            self._owe(keys)
            raise

    def _owe(self, keys: Collection[str]) -> None:
        self._owed.update((key, object()) for key in keys)

    async def _usable(self, keys: Sequence[str]) -> Sequence[str]:
        """Those of the keys that may be looked up in the cache now."""
        if not self._outage.lets_through():
            return []
        if self._owed:
            await self._attempt(self._pay(dict(self._owed)))
        return [key for key in keys if key not in self._owed]

    async def _pay(self, owed: Mapping[str, object]) -> None:
        await self._entries.empty([self._prefix + key for key in owed])
        # A write that failed while this was under way owes its key anew.
        self._owed = {key: debt for key, debt in self._owed.items() if owed.get(key) is not debt}

    async def _attempt(self, call: Awaitable[R]) -> R | None:
        """What the call answers; None when the cache fails."""
        try:
            answer = await call
        except CACHE_FAILURES as error:
            self._outage.failed(error)
            return None
        self._outage.worked()
        return answer

    async def _done(self, call: Awaitable[None]) -> bool:
        """Whether the call went through."""
        try:
            await call
        except CACHE_FAILURES as error:
            self._outage.failed(error)
            return False
        return True
