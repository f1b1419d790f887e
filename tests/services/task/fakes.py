"""What tasks need of others, as small as it goes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from schema import errcode
from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from services.task.biz import Count, Counts, Origin, Outcome, Patience, Period, Portion, Report, Run, StepFailed

T = TypeVar("T")
Context = grpc.aio.ServicerContext[object, object]


class PlainSteps:
    """Does every step once, and remembers its name."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.told: list[str] = []

    async def do(self, name: str, work: Callable[[], Awaitable[T]], patience: Patience) -> T:
        self.done.append(name)
        try:
            return await work()
        except ConnectionError as error:
            raise StepFailed(name, str(error)) from error

    def tell(self, so_far: str) -> None:
        self.told.append(so_far)


class Behaviour:
    """Answers counts in pages of so many accounts."""

    def __init__(self, counts: Sequence[Count], page: int = 2) -> None:
        self.counts = list(counts)
        self.page = page

    async def counted(self, period: Period, after_account_id: int) -> Counts:
        ids = sorted({count.account_id for count in self.counts if count.account_id > after_account_id})
        here = ids[: self.page]
        return Counts([count for count in self.counts if count.account_id in here], more=len(ids) > self.page)


class Rollups:
    """Keeps rows by period in memory."""

    def __init__(self) -> None:
        self.rows: dict[Period, list[Count]] = {}

    async def replace(self, period: Period, after: int, upto: int | None, counts: Sequence[Count]) -> None:
        kept = self.rows.get(period, [])
        others = [row for row in kept if row.account_id <= after or (upto is not None and row.account_id > upto)]
        self.rows[period] = sorted([*others, *counts], key=lambda row: (row.account_id, row.kind))

    async def of(self, period: Period) -> Sequence[Count]:
        return self.rows.get(period, [])


class Reports:
    """Keeps what is delivered."""

    def __init__(self) -> None:
        self.delivered: list[Report] = []

    async def deliver(self, report: Report) -> str:
        self.delivered.append(report)
        return f"report {len(self.delivered)}"


class Lives:
    """So many sessions and closures, dealt with some at a time."""

    def __init__(self, sessions: int = 0, closures: int = 0, portion: int = 10) -> None:
        self.sessions = sessions
        self.closures = closures
        self.portion = portion
        self.before: set[datetime] = set()

    async def purge_sessions(self, before: datetime) -> Portion:
        self.before.add(before)
        done = min(self.sessions, self.portion)
        self.sessions -= done
        return Portion(done, more=self.sessions > 0)

    async def end_closures(self) -> Portion:
        done = min(self.closures, self.portion)
        self.closures -= done
        return Portion(done, more=self.closures > 0)


class Stores:
    """The stores of three backends, some of which may be down."""

    backends = ("account", "activity", "job")

    def __init__(self, *down: str) -> None:
        self.down = down
        self.asked: list[tuple[str, datetime]] = []

    async def purge_events(self, backend: str, before: datetime) -> Portion:
        self.asked.append((backend, before))
        if backend in self.down:
            raise ConnectionError(f"{backend} is down")
        return Portion(len(backend), more=False)


class History:
    """Keeps runs in memory."""

    def __init__(self) -> None:
        self.lines: list[tuple[object, ...]] = []
        self.runs: list[Run] = []
        self.forgotten: list[datetime] = []

    async def begun(self, run_id: str, task: str, period: str, origin: Origin) -> None:
        self.lines.append(("begun", run_id, task, period, origin.value))

    async def ended(self, run_id: str, outcome: Outcome, told: str) -> None:
        self.lines.append(("ended", run_id, outcome.value, told))

    async def latest(self, count: int, task: str | None = None) -> Sequence[Run]:
        return self.runs[:count]

    async def forget(self, before: datetime) -> int:
        self.forgotten.append(before)
        return 3


def add_methods(server: grpc.aio.Server, service: str, methods: Sequence[Callable[..., object]]) -> None:
    """Lets the server answer these methods of a service, each named as in the contract."""
    handlers: dict[str, Any] = {
        method.__name__: grpc.unary_unary_rpc_method_handler(
            method, method.__annotations__["request"].FromString, lambda reply: bytes(reply.SerializeToString())
        )
        for method in methods
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, handlers)])


class ActivityBackend:
    """Answers roll-ups in three pages of one account each, and does what a test wants it to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        """For each call its period and the account it began after."""
        self.hold: int | None = None
        """After which account a call is never answered."""
        self.held = asyncio.Event()
        self.failures: list[errcode.AtriumError] = []
        """Raised by the next calls, one each."""
        self.refuse_all = False

    def serve_on(self, server: grpc.aio.Server) -> None:
        add_methods(server, "activity.v1.ActivityService", [self.CountActivities])

    @property
    def began(self) -> int:
        """How often a roll-up began."""
        return sum(after == 0 for _, after in self.asked)

    async def CountActivities(
        self, request: activity_pb2.CountActivitiesRequest, context: Context
    ) -> activity_pb2.CountActivitiesResponse:
        after = request.after_account_id
        self.asked.append((request.since.ToDatetime().strftime("%Y-%m-%dT%H"), after))
        if self.failures:
            raise self.failures.pop(0)
        if self.refuse_all:
            raise errcode.InvalidArgument("since", "is odd")
        if after == self.hold:
            self.held.set()
            await asyncio.Event().wait()
        post = activity_pb2.ACTIVITY_KIND_POST
        count = activity_pb2.CountActivitiesResponse.Count(account_id=after + 1, kind=post, count=after + 10)
        return activity_pb2.CountActivitiesResponse(counts=[count], has_more=after < 2)


class AccountBackend:
    """Answers portions, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Message] = []

    def serve_on(self, server: grpc.aio.Server) -> None:
        add_methods(server, "account.v1.AccountService", [self.PurgeSessions, self.EndClosures])

    async def PurgeSessions(
        self, request: account_pb2.PurgeSessionsRequest, context: Context
    ) -> account_pb2.PurgeSessionsResponse:
        self.asked.append(request)
        return account_pb2.PurgeSessionsResponse(removed=5000, has_more=True)

    async def EndClosures(
        self, request: account_pb2.EndClosuresRequest, context: Context
    ) -> account_pb2.EndClosuresResponse:
        self.asked.append(request)
        return account_pb2.EndClosuresResponse(account_ids=[4, 8], has_more=False)
