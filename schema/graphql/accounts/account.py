"""What every account shows."""

import strawberry

from schema.generated.account.v1 import account_pb2
from schema.graphql import ids
from schema.graphql.asking import Asked, asks
from schema.graphql.cache_control import PROFILE
from schema.graphql.degrade import degrades
from schema.graphql.enums import AccountStatus, AccountType
from schema.graphql.field import attribute, field
from schema.graphql.moment import Moment, moment
from schema.graphql.node import Node
from schema.graphql.ports import Context, Identity


@strawberry.interface(
    description="An account. One type per account type: each shows its own data.", directives=[PROFILE]
)
class Account(Node):
    """An account, with what everybody may know of it."""

    message: strawberry.Private[account_pb2.Account]
    viewer: strawberry.Private[Identity | None]
    """For whom this was read; None for whoever the operation is for."""

    id: strawberry.ID = attribute("id", ids.encoding(ids.Prefix.ACCOUNT), description="Unique over everything; opaque.")
    type: AccountType = attribute("type", AccountType, description="What kind of account it is.")
    status: AccountStatus = attribute("status", AccountStatus, description="Where it is in its life.")
    version: int = attribute("version", description="Grows by one with each change; `updateProfile` wants it back.")
    handle: str = attribute("handle", description="Its unique name, as its owner writes it; compared without case.")
    display_name: str = attribute("display_name", description="The name shown to others.")
    avatar_url: str | None = attribute(
        "avatar_url", optional=True, description="Address of a picture; null when there is none."
    )
    bio: str | None = attribute(
        "bio", optional=True, description="A few words of the owner; null when there are none.", cost=1
    )
    created_at: Moment = attribute("created_at", moment, description="When it was opened.")

    @field(description="How many accounts follow it.", cost=1)
    @degrades
    @asks
    def follower_count(self, context: Context) -> Asked[int | None]:
        """Asks for the follow counts."""
        found = context.loaders.follow_counts.load(self.message.id)
        return found, lambda counts: counts.followers

    @field(description="How many accounts it follows.", cost=1)
    @degrades
    @asks
    def following_count(self, context: Context) -> Asked[int | None]:
        """Asks for the follow counts, which both fields share."""
        found = context.loaders.follow_counts.load(self.message.id)
        return found, lambda counts: counts.following
