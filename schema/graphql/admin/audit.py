"""Who did what at the desk."""

from typing import Self

import strawberry

from schema.generated.admin.v1 import admin_pb2 as pb
from schema.graphql import ids
from schema.graphql.accounts import Account
from schema.graphql.activity import PageInfo
from schema.graphql.admin.lists import actor_of, cursor_of, page_info
from schema.graphql.field import field
from schema.graphql.info import Info
from schema.graphql.moment import Moment, moment


@strawberry.type(description="One call of the staff's desk, or the attempt at one.")
class AdminAudit:
    """One call of the staff's desk, or the attempt at one."""

    by_id: strawberry.Private[int]

    at: Moment = strawberry.field(description="When it began.")
    actor_id: strawberry.ID = strawberry.field(description="Who, also when the account is gone.")
    action: str = strawberry.field(description="What, by the name of the call: ChangeAccount.")
    account_id: strawberry.ID | None = strawberry.field(description="On which account; null for none in particular.")
    reason: str = strawberry.field(description="Why; empty for calls that change nothing.")
    request: str = strawberry.field(description="What was asked for, as a JSON object, without secrets.")
    before: str | None = strawberry.field(description="What was there before, as a JSON object; null when not told.")
    after: str | None = strawberry.field(description="What is there after, as a JSON object; null when not told.")
    outcome: int = strawberry.field(
        description="How it ended: 2000000, or the code of the error; 0 while that is not known."
    )

    @classmethod
    def from_message(cls, message: pb.Audit) -> Self:
        """The audit that `message` tells of."""
        account_id = ids.encode(ids.Prefix.ACCOUNT, message.account_id)
        return cls(
            by_id=message.actor_id,
            at=moment(message.at),
            actor_id=strawberry.ID(ids.encode(ids.Prefix.ACCOUNT, message.actor_id)),
            action=message.action,
            account_id=strawberry.ID(account_id) if message.account_id else None,
            reason=message.reason,
            request=message.request,
            before=message.before or None,
            after=message.after or None,
            outcome=message.outcome,
        )

    @field(description="Who; null when the account is gone.")
    async def actor(self, info: Info) -> Account | None:
        """Asks for the account, together with the actors beside it."""
        return await actor_of(info, self.by_id)


@strawberry.type(description="An audit and its place in a list.")
class AdminAuditEdge:
    """An audit and its place in a list."""

    cursor: str = strawberry.field(description="Its place; of use only as `after` of the same list.")
    node: AdminAudit = strawberry.field(description="The audit.")


@strawberry.type(description="A page of audits, newest first.")
class AdminAuditConnection:
    """A page of audits, newest first."""

    edges: list[AdminAuditEdge] = strawberry.field(description="The items of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in its list.")

    @classmethod
    def from_message(cls, message: pb.ListAuditsResponse, after: str | None) -> Self:
        """The page that `message` tells of."""
        edges = [AdminAuditEdge(cursor=cursor_of(one.id), node=AdminAudit.from_message(one)) for one in message.audits]
        return cls(edges=edges, page_info=page_info(edges, after=after, has_next=message.has_next_page))
