"""One subscriber's feed: which activities it is told, each once and in the order of ids."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, timedelta

from gateway.push.hub import ACCOUNT, AUTHOR, Hub, News
from gateway.push.listeners import Gap, Listener
from gateway.push.past import SHOWN, Past
from gateway.push.told import Told
from schema.generated.activity.v1 import activity_pb2
from schema.generated.event.v1 import event_pb2
from schema.graphql.ports import Identity
from services.runtime.clock import Clock, utc_now

Activities = AsyncGenerator[activity_pb2.Activity, None]
OVERLAP = timedelta(seconds=30)
"""How far back of the greatest id told to look behind a gap: what is told late has a smaller id than what was not."""
FOLLOWS = ("followed", "unfollowed")


class Feed:
    """Hears those whom the viewer follows; the listener is there before the past is read, so nothing falls between."""

    def __init__(
        self,
        viewer: Callable[[], Identity],
        listener: Listener[News],
        hub: Hub,
        past: Past,
        clock: Clock = utc_now,
    ) -> None:
        """`viewer` answers the viewer as proved last: a feed lives longer than a proof."""
        self._viewer = viewer
        self._listener = listener
        self._hub = hub
        self._past = past
        self._begun = clock()
        self._told = Told(0)

    async def begin(self, last_seen: int) -> Activities:
        """What was missed since the activity last seen; with 0 the feed begins with what it does not show yet."""
        with self._listener.catching_up():
            await self._follow()
            if last_seen:
                self._told = Told(last_seen)
                async for activity in self._new(self._since(last_seen)):
                    yield activity
            else:
                # It is shown already, though its messages may still be on their way.
                shown = [activity.id for activity in await self._past.newest(self._viewer())]
                self._told = Told(shown[-1] if len(shown) == SHOWN else 0, shown)
        self._past = self._past.patient()

    async def take(self, news: News | Gap) -> Activities:
        """The new activities because of what the listener heard."""
        if isinstance(news, Gap):
            activities = self._behind_gap()
        elif news.activity is None:
            activities = self._behind_follow(news.event)
        else:
            activities = _only(news.activity)
        async for activity in self._new(activities):
            yield activity

    async def _new(self, activities: Activities) -> Activities:
        async with aclosing(activities):
            async for activity in activities:
                if self._told.is_new(activity.id):
                    yield activity

    async def _behind_gap(self) -> Activities:
        """What was missed. Of those whom the viewer followed meanwhile nothing from before this subscription."""
        with self._listener.catching_up():
            joined = await self._follow()
            async for activity in self._since(self._told.back(OVERLAP)):
                if activity.author_id not in joined or activity.created_at.ToDatetime(UTC) >= self._begun:
                    yield activity

    async def _behind_follow(self, event: event_pb2.Event) -> Activities:
        """What somebody published after they were followed and before they were heard."""
        if event.WhichOneof("what") not in FOLLOWS:
            return
        joined = await self._follow()
        for activity in reversed(await self._past.newest(self._viewer()) if joined else ()):
            if (
                activity.author_id in joined
                and activity.created_at.ToNanoseconds() >= event.occurred_at.ToNanoseconds()
            ):
                yield activity

    async def _follow(self) -> set[int]:
        """Hears those whom the viewer follows, and nobody else; answers who joined them."""
        followees = await self._past.followees(self._viewer().account_id)
        wanted = {ACCOUNT.format(self._viewer().account_id), *map(AUTHOR.format, followees)}
        joined = {followee for followee in followees if AUTHOR.format(followee) not in self._listener.channels}
        self._hub.remove(self._listener, self._listener.channels - wanted)
        self._hub.add(self._listener, wanted)
        return joined

    async def _since(self, after: int) -> Activities:
        """Activities newer than one, as far as no older ones can join them; the listener hears of all others."""
        newest = max((activity.id for activity in await self._past.newest(self._viewer())), default=0)
        if newest <= after:
            return
        await asyncio.sleep(self._hub.settle_seconds)
        more = True
        while more:
            activities, more = await self._past.since(self._viewer(), after)
            for activity in activities:
                if activity.id > newest:
                    return
                after = activity.id
                yield activity


async def _only(activity: activity_pb2.Activity) -> Activities:
    yield activity
