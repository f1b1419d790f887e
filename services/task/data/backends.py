"""The other backends, as tasks ask them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import grpc.aio
from google.protobuf.timestamp_pb2 import Timestamp

from schema.errcode import AtriumError
from schema.generated.account.v1 import account_pb2, account_pb2_grpc
from schema.generated.activity.v1 import activity_pb2, activity_pb2_grpc
from schema.generated.upkeep.v1 import upkeep_pb2, upkeep_pb2_grpc
from services.runtime.deadline import deadline_in
from services.task.biz import Count, Counts, Period, Portion, Refused

CALL_SECONDS = 30.0
"""How long a call may take; nobody waits for it at a screen."""
ACCOUNTS = 1000
"""How many accounts are counted in one call."""
SESSIONS = 5000
CLOSURES = 100
"""How many are dealt with in one call."""
KIND = "ACTIVITY_KIND_"


class GrpcBehaviour:
    """The activity backend, which knows what accounts did."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: activity_pb2_grpc.ActivityServiceAsyncStub = activity_pb2_grpc.ActivityServiceStub(channel)

    async def counted(self, period: Period, after_account_id: int) -> Counts:
        """What the next accounts did in the period, by id."""
        request = activity_pb2.CountActivitiesRequest(
            since=_timestamp(period.starts_at),
            until=_timestamp(period.ends_at),
            after_account_id=after_account_id,
            accounts=ACCOUNTS,
        )
        with _patiently():
            reply = await self._stub.CountActivities(request)
        return Counts(
            [Count(each.account_id, kind_name(each.kind), each.count) for each in reply.counts], reply.has_more
        )


def kind_name(kind: int) -> str:
    """`POST` for ACTIVITY_KIND_POST; the number of a kind that is newer than this program."""
    known = activity_pb2.ActivityKind.DESCRIPTOR.values_by_number
    return known[kind].name.removeprefix(KIND) if kind in known else str(kind)


class GrpcLives:
    """The account backend, which keeps accounts and sessions."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: account_pb2_grpc.AccountServiceAsyncStub = account_pb2_grpc.AccountServiceStub(channel)

    async def purge_sessions(self, before: datetime) -> Portion:
        """Removes some of the sessions that ended before this moment."""
        request = account_pb2.PurgeSessionsRequest(before=_timestamp(before), limit=SESSIONS)
        with _patiently():
            reply = await self._stub.PurgeSessions(request)
        return Portion(reply.removed, reply.has_more)

    async def end_closures(self) -> Portion:
        """Closes for good some of the accounts whose cooling-off period is over."""
        with _patiently():
            reply = await self._stub.EndClosures(account_pb2.EndClosuresRequest(limit=CLOSURES))
        return Portion(len(reply.account_ids), reply.has_more)


class GrpcStores:
    """The stores of all backends, each behind the process that owns it."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel]) -> None:
        self._stubs: dict[str, upkeep_pb2_grpc.UpkeepServiceAsyncStub] = {
            name: upkeep_pb2_grpc.UpkeepServiceStub(channel) for name, channel in channels.items()
        }

    @property
    def backends(self) -> Sequence[str]:
        """Whose stores there are."""
        return tuple(self._stubs)

    async def purge_events(self, backend: str, before: datetime) -> Portion:
        """Removes events that were sent, and the memory of those that were taken, before this moment."""
        request = upkeep_pb2.PurgeEventsRequest(backend=backend, before=_timestamp(before))
        with _patiently():
            reply = await self._stubs[backend].PurgeEvents(request)
        return Portion(reply.sent + reply.taken, more=False)


@contextmanager
def _patiently() -> Iterator[None]:
    """Calls inside may take their time; one that is wrong by itself is told apart from one that fails just now."""
    with deadline_in(CALL_SECONDS):
        try:
            yield
        except AtriumError as error:
            if error.http_status < 500 and not error.retryable:
                raise Refused(error.message) from error
            raise


def _timestamp(moment: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(moment)
    return made
