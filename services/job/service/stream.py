"""What events call: the history with its errands, and the channels of the cache on which gateways listen."""

from collections.abc import Callable

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession

from schema.generated.event.v1 import event_pb2
from services.job.biz.listening import apply, channels_of, subjects_of
from services.job.biz.ports import Ledger
from services.job.service.messages import happening_from_event
from services.runtime.changed import Changes
from services.runtime.consumer import Consumer
from services.runtime.lane import lane
from services.runtime.telemetry import traceparent
from services.runtime.versioned_cache import CACHE_FAILURES, Outage


class History:
    """Writes events into histories, and puts the errands that they cause."""

    KINDS = frozenset(
        {
            "account_opened",
            "account_changed",
            "account_status_changed",
            "account_merge_started",
            "account_merged",
            "permission_granted",
            "permission_revoked",
        }
    )

    def __init__(self, ledger_in: Callable[[AsyncSession], Ledger]) -> None:
        """`ledger_in` makes the ledger that takes part in a transaction."""
        self._ledger_in = ledger_in

    async def handle(self, event: event_pb2.Event, session: AsyncSession) -> None:
        """Has its effect in the transaction of the session."""
        await apply(happening_from_event(event), self._ledger_in(session), traceparent(), lane())

    def consumer(self) -> Consumer:
        """Takes events in any order: entries have their place by time, and an end that comes first is respected."""
        return Consumer("job.history", self.handle, kinds=self.KINDS, ordered=False)


class Push:
    """Tells gateways of events over the channels of the cache: what to forget, then what subscribers wait for.

    Nobody is promised them: subscribers tell repetitions by the id of the event, and fetch what they missed; what is
    kept ends by itself. So a cache that is down holds nothing up, and all events of a batch may be told again when one
    of them fails.
    """

    KINDS = frozenset(
        {
            "account_opened",
            "account_changed",
            "account_status_changed",
            "account_merge_started",
            "account_merged",
            "followed",
            "unfollowed",
            "activity_published",
            "permission_granted",
            "permission_revoked",
        }
    )

    def __init__(self, cache: Redis, outage: Outage | None = None) -> None:
        self._cache = cache
        self._outage = outage or Outage()
        self._changes = Changes(cache, self._outage)

    async def handle(self, event: event_pb2.Event, _session: AsyncSession) -> None:
        """Has gateways forget what is not so any more, then publishes the event where those wait whom it concerns."""
        happening = happening_from_event(event)
        if self._outage.lets_through():
            await self._changes.tell(subjects_of(happening))
        for channel in channels_of(happening):
            if self._outage.lets_through():
                await self._publish(channel, event.SerializeToString())

    async def _publish(self, channel: str, payload: bytes) -> None:
        try:
            await self._cache.publish(channel, payload)
        except CACHE_FAILURES as error:
            self._outage.failed(error)
        else:
            self._outage.worked()

    def consumer(self) -> Consumer:
        """Apart from the history, so that neither waits for the other."""
        return Consumer("job.push", self.handle, kinds=self.KINDS, ordered=False)
