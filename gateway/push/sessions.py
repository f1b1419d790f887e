"""Whether those who subscribe are still signed in: asked for all of them together, now and then."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import structlog

from gateway.context import identity_of
from schema.errcode import AtriumError
from schema.generated.account.v1 import account_pb2
from schema.graphql.ports import Identity

VERIFY_SECONDS = 30.0
"""How often all sessions are verified. Before each event its own is, too: nobody is told anything after the end."""
MOST_AT_ONCE = 500
"""How many tokens one call holds."""
_log = structlog.get_logger(__name__)


class Verify(Protocol):
    """Asks the account backend about sessions."""

    async def __call__(self, tokens: Sequence[str]) -> Mapping[str, account_pb2.VerifiedSession]:
        """What stands behind each token; raises AtriumError when that cannot be told."""
        ...


class Ended(Protocol):
    """Is told that a session has ended."""

    def end(self, error: AtriumError) -> None:
        """The session has ended, because of this."""
        ...


class Sessions:
    """Verifies the sessions behind subscriptions; a `lifecycle.Server`."""

    def __init__(self, verify: Verify, every: float = VERIFY_SECONDS) -> None:
        self._verify = verify
        self._every = every
        self._watched: dict[str, set[Ended]] = defaultdict(set)
        self._found: dict[str, Identity] = {}
        self._stopped = asyncio.Event()

    @contextmanager
    def watched(self, token: str, told: Ended) -> Iterator[None]:
        """Inside, `told` is told when the session ends."""
        self._watched[token].add(told)
        try:
            yield
        finally:
            self._watched[token].discard(told)
            if not self._watched[token]:
                del self._watched[token]
                self._found.pop(token, None)

    def latest(self, token: str, viewer: Identity) -> Identity:
        """The viewer as found when the session was verified last: what proves a viewer counts for minutes only."""
        return self._found.get(token, viewer)

    async def serve(self) -> None:
        """Verifies until stopped."""
        while not self._stopped.is_set():
            await self.verify(list(self._watched))
            try:
                async with asyncio.timeout(self._every):
                    await self._stopped.wait()
            except TimeoutError:
                continue

    async def stop(self, grace: float) -> None:
        """Ends serving."""
        self._stopped.set()

    async def verify(self, tokens: Sequence[str]) -> None:
        """Verifies these sessions now. One of which nothing can be told goes on until something can."""
        for start in range(0, len(tokens), MOST_AT_ONCE):
            try:
                found = await self._verify(tokens[start : start + MOST_AT_ONCE])
            except AtriumError as error:
                _log.warning("push could not verify sessions", code=error.code)
                continue
            for token, session in found.items():
                self._judge(token, session)

    def _judge(self, token: str, session: account_pb2.VerifiedSession) -> None:
        if token not in self._watched:
            return
        try:
            self._found[token] = identity_of(session)
        except AtriumError as error:
            for told in tuple(self._watched[token]):
                told.end(error)
