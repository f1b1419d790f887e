"""What changed accounts."""

from typing import Self

import strawberry

from schema.generated.admin.v1 import admin_pb2 as pb
from schema.graphql import ids
from schema.graphql.accounts import Account
from schema.graphql.activity import PageInfo
from schema.graphql.admin.enums import AdminChangeKind
from schema.graphql.admin.lists import actor_of, page_info
from schema.graphql.cost import at_most
from schema.graphql.field import field
from schema.graphql.info import Info
from schema.graphql.moment import Moment, moment

_ACCOUNTS = frozenset({"merging_into", "merged_into", "took_over"})
"""The fields of a difference whose values are accounts."""


@strawberry.type(description="The difference that a change made to one field.")
class AdminDifference:
    """The difference that a change made to one field."""

    field_name: str = strawberry.field(name="field", description="Name of the field.")
    before: str | None = strawberry.field(description="What it was; null when it had no value, or is not to be told.")
    after: str | None = strawberry.field(description="What it is; null when it has no value, or is not to be told.")

    @classmethod
    def from_message(cls, message: pb.Difference) -> Self:
        """The difference that `message` tells of."""
        prefix = f"{ids.Prefix.ACCOUNT}_" if message.field in _ACCOUNTS else ""
        return cls(
            field_name=message.field,
            before=prefix + message.before if message.HasField("before") else None,
            after=prefix + message.after if message.HasField("after") else None,
        )


@strawberry.type(description="Something that changed an account.")
class AdminChange:
    """Something that changed an account."""

    actor_id: strawberry.Private[int]

    account_id: strawberry.ID = strawberry.field(description="The account that changed.")
    kind: AdminChangeKind = strawberry.field(description="What kind of change it was.")
    reason: str = strawberry.field(description="Why, in the words of whoever made it; may be empty.")
    occurred_at: Moment = strawberry.field(description="When.")
    differences: list[AdminDifference] = strawberry.field(
        description="What is different since, by field.", directives=[at_most(10)]
    )
    erased: bool = strawberry.field(description="Whether values were erased because the account is closed for good.")

    @classmethod
    def from_message(cls, message: pb.Change) -> Self:
        """The change that `message` tells of."""
        return cls(
            actor_id=message.actor_id,
            account_id=strawberry.ID(ids.encode(ids.Prefix.ACCOUNT, message.account_id)),
            kind=AdminChangeKind(message.kind),
            reason=message.reason,
            occurred_at=moment(message.occurred_at),
            differences=[AdminDifference.from_message(one) for one in message.differences],
            erased=message.erased,
        )

    @field(description="Who made it; null when a task or a job did, and when the account cannot be shown.")
    async def actor(self, info: Info) -> Account | None:
        """Asks for the account, together with the actors beside it."""
        return await actor_of(info, self.actor_id)


@strawberry.type(description="A change and its place in a history.")
class AdminChangeEdge:
    """A change and its place in a history."""

    cursor: str = strawberry.field(description="Its place; of use only as `after` of the same history.")
    node: AdminChange = strawberry.field(description="The change.")


@strawberry.type(description="A page of the history of an account, newest first.")
class AdminChangeConnection:
    """A page of the history of an account, newest first."""

    edges: list[AdminChangeEdge] = strawberry.field(description="The items of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in its list.")

    @classmethod
    def from_message(cls, message: pb.ListChangesResponse, after: str | None) -> Self:
        """The page that `message` tells of."""
        edges = [AdminChangeEdge(cursor=one.cursor, node=AdminChange.from_message(one)) for one in message.changes]
        return cls(edges=edges, page_info=page_info(edges, after=after, has_next=message.has_next_page))
