"""Activities, pages of them, and figures about those who follow."""

from types import MethodType

import strawberry

from schema.errcode import InvalidArgument
from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.graphql import ids
from schema.graphql.accounts import Account, account_of
from schema.graphql.asking import Asked, asks
from schema.graphql.degrade import degrades
from schema.graphql.enums import ActivityKind
from schema.graphql.field import attribute, field
from schema.graphql.moment import Moment, moment
from schema.graphql.node import Node
from schema.graphql.ports import Context, Identity


@strawberry.type(description="Something an account did.")
class Activity(Node):
    """Something an account did."""

    message: strawberry.Private[activity_pb2.Activity]
    viewer: strawberry.Private[Identity]
    """Who reads it."""

    def __init__(self, message: activity_pb2.Activity, viewer: Identity) -> None:
        """A dataclass's own would take names alone, which for each item of a feed takes three times as long."""
        self.message = message
        self.viewer = viewer

    id: strawberry.ID = attribute(
        "id", ids.encoding(ids.Prefix.ACTIVITY), description="Unique over everything; opaque."
    )
    kind: ActivityKind = attribute("kind", ActivityKind, description="What it was.")
    text: str = attribute("text", description="What its author says of it.", cost=2)
    created_at: Moment = attribute("created_at", moment, description="When it was done.")

    @field(description="Who did it; null when the account is gone.")
    @degrades
    @asks
    def author(self, context: Context) -> Asked[Account | None]:
        """Asks for the account, together with the authors beside it."""
        return context.loaders.account_by_id.load(self.message.author_id), MethodType(_shown_to, self.viewer)


def _shown_to(viewer: Identity, message: account_pb2.Account | None) -> Account | None:
    return account_of(message, viewer) if message else None


@strawberry.type(description="An activity and its place in a list.")
class ActivityEdge:
    """An activity and its place in a list."""

    message: strawberry.Private[activity_pb2.ActivityPage.Item]
    viewer: strawberry.Private[Identity]

    def __init__(self, message: activity_pb2.ActivityPage.Item, viewer: Identity) -> None:
        """Like that of an activity."""
        self.message = message
        self.viewer = viewer

    cursor: str = attribute("cursor", description="Its place; of use only as `after` of the same list.")
    node: Activity = attribute(lambda self: Activity(self.message.activity, self.viewer), description="The activity.")


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

    message: strawberry.Private[activity_pb2.ActivityPage]
    after: strawberry.Private[str]
    """The cursor that the page was asked for after; empty for the start."""
    viewer: strawberry.Private[Identity]

    edges: list[ActivityEdge] = attribute(
        lambda self: [ActivityEdge(item, self.viewer) for item in self.message.items],
        description="The items of the page.",
    )
    page_info: PageInfo = attribute(lambda self: self.where(), description="Where the page stands in its list.")

    def where(self) -> PageInfo:
        """Where the page stands in its list."""
        items = self.message.items
        return PageInfo(
            has_next_page=self.message.has_next_page,
            has_previous_page=bool(self.after),
            start_cursor=items[0].cursor if items else None,
            end_cursor=items[-1].cursor if items else None,
        )


def page_of(message: activity_pb2.ActivityPage, after: str, viewer: Identity) -> ActivityConnection:
    """The page that was asked for after the cursor `after`; InvalidArgument when that is no cursor of its list."""
    if message.cursor_refused:
        raise InvalidArgument("after", "must be a cursor of this list, with the same kinds")
    return ActivityConnection(message=message, after=after, viewer=viewer)


@strawberry.type(description="Figures about those who follow an account.")
class Audience:
    """Figures about those who follow an account."""

    message: strawberry.Private[activity_pb2.Audience]

    followers: int = attribute("followers", description="How many follow it.")
    new_this_week: int = attribute("new_this_week", description="How many of them began within the last seven days.")
    activities_this_week: int = attribute(
        "activities_this_week", description="How many activities the account published within the last seven days."
    )


def audience_of(message: activity_pb2.Audience) -> Audience:
    """The figures that `message` tells of."""
    return Audience(message=message)
