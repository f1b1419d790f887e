"""What subscriptions tell: new activities in a feed, and changes of an account. Fits `schema.graphql.ports.Push`."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial

from gateway.push.feed import FOLLOWS, Activities, Feed
from gateway.push.hub import ACCOUNT, Hub, News
from gateway.push.listeners import Gap, Listener
from gateway.push.past import Past
from gateway.push.sessions import Sessions
from schema.graphql.ports import Identity
from services.runtime.clock import Clock, utc_now


class Feeds:
    """Subscriptions of one process."""

    def __init__(self, hub: Hub, sessions: Sessions, past: Past, clock: Clock = utc_now) -> None:
        self._hub = hub
        self._sessions = sessions
        self._past = past
        self._clock = clock

    async def activities(self, viewer: Identity, token: str, last_seen: int) -> Activities:
        """Each new activity of the viewer's feed once, those after `last_seen` first; 0 begins now."""
        async with self._listener(viewer, token) as listener:
            feed = Feed(partial(self._sessions.latest, token, viewer), listener, self._hub, self._past, self._clock)
            told = feed.begin(last_seen)
            while True:
                async with aclosing(told):
                    async for activity in told:
                        yield activity
                told = feed.take(await listener.get())

    async def account_changes(self, viewer: Identity, token: str) -> AsyncGenerator[None, None]:
        """One item as soon as changes are heard, then one for each time that the viewer's account may have changed."""
        async with self._listener(viewer, token) as listener:
            yield None
            while True:
                news = await listener.get()
                if isinstance(news, Gap) or news.event.WhichOneof("what") not in FOLLOWS:
                    yield None

    @asynccontextmanager
    async def _listener(self, viewer: Identity, token: str) -> AsyncIterator[Listener[News]]:
        async with self._hub.listener([ACCOUNT.format(viewer.account_id)]) as listener:
            with self._sessions.watched(token, listener):
                yield listener
