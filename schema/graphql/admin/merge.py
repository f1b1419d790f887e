"""How two accounts become one."""

from typing import Self

import strawberry

from schema.generated.admin.v1 import admin_pb2 as pb
from schema.graphql import ids
from schema.graphql.accounts import Account
from schema.graphql.admin.enums import AdminMergeState
from schema.graphql.admin.lists import actor_of, with_public_ids
from schema.graphql.cost import at_most
from schema.graphql.field import field
from schema.graphql.info import Info
from schema.graphql.moment import Moment, moment


@strawberry.type(description="How much there is of something.")
class AdminAmount:
    """How much there is of something."""

    what: str = strawberry.field(description="Of what: sessions, following, followers, activities or grants.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="What merging two accounts would move.")
class AdminMergeCheck:
    """What merging two accounts would move."""

    refusal: str | None = strawberry.field(description="Why it would be refused; null when it can be done.")
    moves: list[AdminAmount] = strawberry.field(
        description="What of the source would move, also where it is 0.", directives=[at_most(5)]
    )

    @classmethod
    def from_message(cls, message: pb.CheckMergeResponse) -> Self:
        """The check that `message` tells of."""
        moves = [AdminAmount(what=amount.what, count=amount.count) for amount in message.moves]
        return cls(refusal=with_public_ids(message.refusal) or None, moves=moves)


@strawberry.type(description="One kind of data that a merge moves.")
class AdminMergeStep:
    """One kind of data that a merge moves."""

    name: str = strawberry.field(
        description="What: follows, activities, grants, sessions; then finish, which moves nothing; and verify, which "
        "moves what others added meanwhile."
    )
    total: int = strawberry.field(
        description="How many rows there were to move when the step began; 0 before that, and where nobody can count."
    )
    moved: int = strawberry.field(description="How many rows have been moved.")
    done: bool = strawberry.field(description="Whether the step is over.")

    @classmethod
    def from_message(cls, message: pb.MergeStep) -> Self:
        """The step that `message` tells of."""
        return cls(name=message.name, total=message.total, moved=message.moved, done=message.done)


@strawberry.type(description="The merging of one account, the source, into another, the target.")
class AdminMerge:
    """The merging of one account into another."""

    actor_id: strawberry.Private[int]

    source_id: strawberry.ID = strawberry.field(description="The account that is merged.")
    target_id: strawberry.ID = strawberry.field(description="The account that takes over.")
    state: AdminMergeState = strawberry.field(description="How far it is.")
    steps: list[AdminMergeStep] = strawberry.field(description="Its steps, in their order.", directives=[at_most(10)])
    reason: str = strawberry.field(description="Why.")
    requested_at: Moment = strawberry.field(description="When it was asked for.")
    started_at: Moment | None = strawberry.field(description="When it began; null while it waits for that.")
    finished_at: Moment | None = strawberry.field(description="When it was done or failed; null before that.")
    problem: str | None = strawberry.field(description="Why it failed, or what it waits for; null when all is well.")

    @classmethod
    def from_message(cls, message: pb.Merge) -> Self:
        """The merge that `message` tells of."""
        return cls(
            actor_id=message.actor_id,
            source_id=strawberry.ID(ids.encode(ids.Prefix.ACCOUNT, message.source_id)),
            target_id=strawberry.ID(ids.encode(ids.Prefix.ACCOUNT, message.target_id)),
            state=AdminMergeState(message.state),
            steps=[AdminMergeStep.from_message(step) for step in message.steps],
            reason=message.reason,
            requested_at=moment(message.requested_at),
            started_at=moment(message.started_at) if message.HasField("started_at") else None,
            finished_at=moment(message.finished_at) if message.HasField("finished_at") else None,
            problem=with_public_ids(message.problem) or None,
        )

    @field(description="Who began it; null when the account cannot be shown.")
    async def actor(self, info: Info) -> Account | None:
        """Asks for the account, together with the actors beside it."""
        return await actor_of(info, self.actor_id)
