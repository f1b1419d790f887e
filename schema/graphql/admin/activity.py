"""Activities as staff sees them: everybody's, of any kind."""

from typing import Self

import strawberry

from schema.generated.activity.v1 import activity_pb2
from schema.generated.admin.v1 import admin_pb2 as pb
from schema.graphql import ids
from schema.graphql.activity import Activity, PageInfo
from schema.graphql.admin.lists import cursor_of, page_info
from schema.graphql.ports import Identity


def activity_of(message: pb.Activity, viewer: Identity) -> Activity:
    """The activity that `message` tells of, as `viewer` reads it."""
    return Activity(message=public_activity(message), viewer=viewer)


def public_activity(message: pb.Activity) -> activity_pb2.Activity:
    """The activity in the words of the activity backend, which the activity type reads."""
    return activity_pb2.Activity(
        id=message.id,
        author_id=message.author_id,
        kind=activity_pb2.ActivityKind.ValueType(message.kind),
        text=message.text,
        created_at=message.created_at,
    )


@strawberry.type(description="An activity of anybody, and its place in a list.")
class AdminActivityEdge:
    """An activity and its place in a list."""

    cursor: str = strawberry.field(description="Its place; of use only as `after` of the same list.")
    node: Activity = strawberry.field(description="The activity.")
    author_id: strawberry.ID = strawberry.field(description="Who did it, also when the account is gone.")


@strawberry.type(description="A page of activities of anybody, newest first.")
class AdminActivityConnection:
    """A page of activities of anybody, newest first."""

    edges: list[AdminActivityEdge] = strawberry.field(description="The items of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in its list.")

    @classmethod
    def from_message(cls, message: pb.SearchActivitiesResponse, after: str | None, viewer: Identity) -> Self:
        """The page that `message` tells of."""
        edges = [
            AdminActivityEdge(
                cursor=cursor_of(one.id),
                node=activity_of(one, viewer),
                author_id=strawberry.ID(ids.encode(ids.Prefix.ACCOUNT, one.author_id)),
            )
            for one in message.activities
        ]
        return cls(edges=edges, page_info=page_info(edges, after=after, has_next=message.has_next_page))
