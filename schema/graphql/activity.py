"""Activities, pages of them, and figures about those who follow."""

from datetime import UTC, datetime
from typing import Self

import strawberry

from schema.errcode import InvalidArgument
from schema.generated.activity.v1 import activity_pb2
from schema.graphql import ids
from schema.graphql.accounts import Account, account_of
from schema.graphql.degrade import degrades
from schema.graphql.enums import ActivityKind
from schema.graphql.field import field
from schema.graphql.info import Info
from schema.graphql.node import Node
from schema.graphql.ports import Identity


@strawberry.type(description="Something an account did.")
class Activity(Node):
    """Something an account did."""

    author_id: strawberry.Private[int]
    viewer: strawberry.Private[Identity]

    kind: ActivityKind = strawberry.field(description="What it was.")
    text: str = strawberry.field(description="What its author says of it.")
    created_at: datetime = strawberry.field(description="When it was done.")

    @classmethod
    def from_message(cls, message: activity_pb2.Activity, viewer: Identity) -> Self:
        """The activity that `message` tells of, as `viewer` reads it."""
        return cls(
            author_id=message.author_id,
            viewer=viewer,
            id=strawberry.ID(ids.encode(ids.Prefix.ACTIVITY, message.id)),
            kind=ActivityKind(message.kind),
            text=message.text,
            created_at=message.created_at.ToDatetime(UTC),
        )

    @field(description="Who did it; null when the account is gone, or cannot be shown right now.")
    @degrades
    async def author(self, info: Info) -> Account | None:
        """Asks for the account, together with the authors beside it."""
        found = await info.context.loaders.account_by_id.load(self.author_id)
        return account_of(found, self.viewer) if found else None


@strawberry.type(description="An activity and its place in a list.")
class ActivityEdge:
    """An activity and its place in a list."""

    cursor: str = strawberry.field(description="Its place; of use only as `after` of the same list.")
    node: Activity = strawberry.field(description="The activity.")

    @classmethod
    def from_message(cls, message: activity_pb2.ActivityPage.Item, viewer: Identity) -> Self:
        """The edge that `message` tells of."""
        return cls(cursor=message.cursor, node=Activity.from_message(message.activity, viewer))


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool = strawberry.field(description="Whether more come after the page.")
    has_previous_page: bool = strawberry.field(description="Whether the page begins after the start of the list.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first item; null for an empty page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last item; null for an empty page.")


@strawberry.type(description="A page of a list of activities, newest first.")
class ActivityConnection:
    """A page of a list of activities, newest first."""

    edges: list[ActivityEdge] = strawberry.field(description="The items of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in its list.")

    @classmethod
    def from_message(cls, message: activity_pb2.ActivityPage, after: str, viewer: Identity) -> Self:
        """The page that `message` tells of, which was asked for after the cursor `after`; InvalidArgument for none."""
        if message.cursor_refused:
            raise InvalidArgument("after", "must be a cursor of this list, with the same kinds")
        edges = [ActivityEdge.from_message(item, viewer) for item in message.items]
        page_info = PageInfo(
            has_next_page=message.has_next_page,
            has_previous_page=bool(after),
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        )
        return cls(edges=edges, page_info=page_info)


@strawberry.type(description="Figures about those who follow an account.")
class Audience:
    """Figures about those who follow an account."""

    followers: int = strawberry.field(description="How many follow it.")
    new_this_week: int = strawberry.field(description="How many of them began within the last seven days.")
    activities_this_week: int = strawberry.field(
        description="How many activities the account published within the last seven days."
    )

    @classmethod
    def from_message(cls, message: activity_pb2.Audience) -> Self:
        """The figures that `message` tells of."""
        return cls(
            followers=message.followers,
            new_this_week=message.new_this_week,
            activities_this_week=message.activities_this_week,
        )
