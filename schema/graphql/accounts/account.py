"""What every account shows."""

from datetime import UTC, datetime
from typing import Any, Self

import strawberry

from schema.generated.account.v1 import account_pb2
from schema.graphql import ids
from schema.graphql.cache_control import PROFILE
from schema.graphql.degrade import degrades
from schema.graphql.enums import AccountStatus, AccountType
from schema.graphql.field import field
from schema.graphql.info import Info
from schema.graphql.node import Node
from schema.graphql.ports import Identity


@strawberry.interface(
    description="An account. One type per account type: each shows its own data.", directives=[PROFILE]
)
class Account(Node):
    """An account, with what everybody may know of it."""

    account_id: strawberry.Private[int]
    viewer: strawberry.Private[Identity | None]
    """For whom this was read; None for whoever the operation is for."""

    type: AccountType = strawberry.field(description="What kind of account it is.")
    status: AccountStatus = strawberry.field(description="Where it is in its life.")
    version: int = strawberry.field(description="Grows by one with each change; `updateProfile` wants it back.")
    handle: str = strawberry.field(description="Its unique name, as its owner writes it; compared without case.")
    display_name: str = strawberry.field(description="The name shown to others.")
    avatar_url: str | None = strawberry.field(description="Address of a picture; null when there is none.")
    bio: str | None = strawberry.field(description="A few words of the owner; null when there are none.")
    created_at: datetime = strawberry.field(description="When it was opened.")

    @classmethod
    def from_message(cls, message: account_pb2.Account, viewer: Identity | None = None) -> Self:
        """The account that `message` tells of, as `viewer` reads it."""
        return cls(
            account_id=message.id,
            viewer=viewer,
            id=strawberry.ID(ids.encode(ids.Prefix.ACCOUNT, message.id)),
            type=AccountType(message.type),
            status=AccountStatus(message.status),
            version=message.version,
            handle=message.handle,
            display_name=message.display_name,
            avatar_url=message.avatar_url if message.HasField("avatar_url") else None,
            bio=message.bio if message.HasField("bio") else None,
            created_at=message.created_at.ToDatetime(UTC),
            **cls.own_attributes(message),
        )

    @staticmethod
    def own_attributes(message: account_pb2.Account) -> dict[str, Any]:
        """What only accounts of this type have, by the name of the attribute."""
        return {}

    @field(description="How many accounts follow it; null when that cannot be told right now.")
    @degrades
    async def follower_count(self, info: Info) -> int | None:
        """Asks for the follow counts."""
        counts = await info.context.loaders.follow_counts.load(self.account_id)
        return counts.followers if counts else None

    @field(description="How many accounts it follows; null when that cannot be told right now.")
    @degrades
    async def following_count(self, info: Info) -> int | None:
        """Asks for the follow counts, which both fields share."""
        counts = await info.context.loaders.follow_counts.load(self.account_id)
        return counts.following if counts else None
