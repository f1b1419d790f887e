"""What commands show of the past."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from schema.generated.admin.v1 import admin_pb2 as pb
from services.admin.commands import tables
from services.admin.commands.client import OK, Client, Work
from services.admin.commands.words import enum_numbers, number


class Wanted:
    """Which activities; accounts may be named by their handles."""

    def __init__(self, authors: list[str], kinds: list[str], since: datetime | None, until: datetime | None) -> None:
        self._authors = authors
        self._kinds = kinds
        self._since = since
        self._until = until

    async def filter(self, client: Client) -> pb.ActivityFilter:
        """As the contract has it."""
        kinds = enum_numbers("--kind", pb.ActivityKind, "ACTIVITY_KIND_", self._kinds)
        return pb.ActivityFilter(
            author_ids=[await client.number_of(author) for author in self._authors],
            kinds=kinds,  # type: ignore[arg-type]
            since=_moment(self._since),
            until=_moment(self._until),
        )


def wanted(
    authors: list[str] | None, kinds: list[str] | None, since: datetime | None, until: datetime | None
) -> Wanted:
    """Which activities, as the command line says."""
    return Wanted(authors or [], kinds or [], since, until)


def _moment(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment.replace(tzinfo=UTC))
    return message


def history(account: str, first: int, after: str) -> Work:
    """Shows what changed an account."""

    async def work(client: Client) -> int:
        request = pb.ListChangesRequest(
            actor=client.viewer, account_id=await client.number_of(account), first=first, after=after
        )
        client.tell(await client.desk.ListChanges(request), lambda reply: tables.changes(client.console, reply))
        return OK

    return work


def activities(which: Wanted, first: int, after: str) -> Work:
    """Shows activities."""

    async def work(client: Client) -> int:
        request = pb.SearchActivitiesRequest(
            actor=client.viewer,
            filter=await which.filter(client),
            first=first,
            before_id=number("--after", after),
        )
        reply = await client.desk.SearchActivities(request)
        client.tell(reply, lambda reply: tables.activities(client.console, reply))
        return OK

    return work


def audits(by: str, account: str, action: str, first: int, after: str) -> Work:
    """Shows what staff did."""

    async def work(client: Client) -> int:
        request = pb.ListAuditsRequest(
            actor=client.viewer,
            by_id=await client.number_of(by) if by else 0,
            account_id=await client.number_of(account) if account else 0,
            action=action,
            first=first,
            before_id=number("--after", after),
        )
        client.tell(await client.desk.ListAudits(request), lambda reply: tables.audits(client.console, reply))
        return OK

    return work
