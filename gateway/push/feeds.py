"""What subscriptions tell: new activities in a feed, and changes of an account. Fits `schema.graphql.ports.Push`."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import Protocol

import structlog

from gateway.push.hub import ACCOUNT, AUTHOR, Hub, News
from gateway.push.listeners import Gap, Listener
from gateway.push.sessions import Sessions
from gateway.push.told import Told
from schema.errcode import AtriumError
from schema.generated.activity.v1 import activity_pb2
from schema.graphql.ports import Identity

PAGE = 200
SHOWN = 10
"""How many activities of the feed to look at when a subscription begins now: those whose events may be on their way."""
AT_ONCE = 16
"""How many subscribers of a process ask for the past at once: after a loss of the cache all of them want to."""
OVERLAP = timedelta(seconds=30)
"""How far back of the greatest id told to look behind a gap: what is told late has a smaller id than what was not."""
RETRY_SECONDS = 1.0
FOLLOWS = ("followed", "unfollowed")
STANDING = ("account_status_changed", "account_merge_started", "account_merged")
"""Events after which the account may be one that must not act any more."""
_log = structlog.get_logger(__name__)


class Missed(Protocol):
    """Asks the activity backend for what a subscriber needs beside the messages."""

    async def newest(self, viewer: Identity, first: int) -> Sequence[int]:
        """Ids of the first activities that the viewer's feed shows now."""
        ...

    async def followees(self, account_id: int) -> Sequence[int]:
        """Whom the account follows."""
        ...

    async def feed_since(
        self, viewer: Identity, after_id: int, limit: int
    ) -> tuple[Sequence[activity_pb2.Activity], bool]:
        """Activities of the viewer's feed that are newer than one, oldest first; whether there are more."""
        ...


class Feeds:
    """Subscriptions of one process."""

    def __init__(
        self,
        hub: Hub,
        sessions: Sessions,
        missed: Missed,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._hub = hub
        self._sessions = sessions
        self._missed = missed
        self._retry_seconds = retry_seconds
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def activities(
        self, viewer: Identity, token: str, last_seen: int
    ) -> AsyncGenerator[activity_pb2.Activity, None]:
        """Each new activity of the viewer's feed once, those after `last_seen` first; 0 begins now.

        The listener is there before the past is read, so nothing falls between the two.
        """
        async with self._listener(viewer, token) as listener:
            with listener.catching_up():
                await self._follow(viewer, listener)
                told = Told(last_seen) if last_seen else await self._from_now(viewer)
                if last_seen:
                    async for activity in self._since(viewer, told, last_seen):
                        yield activity
            while True:
                async with aclosing(self._told_by(await listener.get(), viewer, token, listener, told)) as activities:
                    async for activity in activities:
                        yield activity

    async def account_changes(self, viewer: Identity, token: str) -> AsyncGenerator[None, None]:
        """One item for each time that the viewer's account may have changed."""
        async with self._listener(viewer, token) as listener:
            while True:
                news = await listener.get()
                if not isinstance(news, Gap):
                    await self._check_standing(news, token)
                if isinstance(news, Gap) or is_about_the_account(news):
                    yield None

    @asynccontextmanager
    async def _listener(self, viewer: Identity, token: str) -> AsyncIterator[Listener[News]]:
        async with self._hub.listener([ACCOUNT.format(viewer.account_id)]) as listener:
            with self._sessions.watched(token, listener):
                yield listener

    async def _from_now(self, viewer: Identity) -> Told:
        """What the feed shows already is not new, though its events may still be on their way."""
        async with self._turns:
            shown = await self._missed.newest(viewer, SHOWN)
        return Told(min(shown) if len(shown) == SHOWN else 0, shown)

    async def _told_by(
        self, news: News | Gap, viewer: Identity, token: str, listener: Listener[News], told: Told
    ) -> AsyncGenerator[activity_pb2.Activity, None]:
        if isinstance(news, Gap):
            async with aclosing(self._behind_gap(viewer, listener, told)) as activities:
                async for activity in activities:
                    yield activity
        elif news.activity is not None:
            if told.is_new(news.activity.id):
                yield news.activity
        elif news.event.WhichOneof("what") in FOLLOWS:
            listener.put(Gap.GAP)  # They may have published before they were heard.
        else:
            await self._check_standing(news, token)

    async def _behind_gap(
        self, viewer: Identity, listener: Listener[News], told: Told
    ) -> AsyncGenerator[activity_pb2.Activity, None]:
        """What was missed; while the backend cannot be asked, asks again."""
        with listener.catching_up():
            while True:
                try:
                    await self._follow(viewer, listener)
                    async for activity in self._since(viewer, told, told.back(OVERLAP)):
                        yield activity
                    return
                except AtriumError as error:
                    if not error.retryable:
                        raise
                    _log.warning("push could not ask for what was missed", code=error.code)
                await asyncio.sleep(self._retry_seconds * random.uniform(0.5, 1.5))  # noqa: S311

    async def _since(self, viewer: Identity, told: Told, after: int) -> AsyncGenerator[activity_pb2.Activity, None]:
        more = True
        while more:
            async with self._turns:
                activities, more = await self._missed.feed_since(viewer, after, PAGE)
            for activity in activities:
                after = max(after, activity.id)
                if told.is_new(activity.id):
                    yield activity

    async def _follow(self, viewer: Identity, listener: Listener[News]) -> None:
        """Hears those whom the viewer follows, and nobody else."""
        async with self._turns:
            followees = await self._missed.followees(viewer.account_id)
        wanted = {ACCOUNT.format(viewer.account_id), *map(AUTHOR.format, followees)}
        self._hub.remove(listener, listener.channels - wanted)
        self._hub.add(listener, wanted - listener.channels)

    async def _check_standing(self, news: News, token: str) -> None:
        """Has the session verified when the account may be suspended, closed or merged."""
        if news.event.WhichOneof("what") in STANDING:
            await self._sessions.verify([token])


def is_about_the_account(news: News) -> bool:
    """Whether the account's own fields may be others now."""
    return news.event.WhichOneof("what") not in (*FOLLOWS, None)
