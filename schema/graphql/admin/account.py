"""Accounts as staff sees them: in any state, and with all that hangs on them."""

from datetime import date
from typing import Self

import strawberry

from schema.errcode import PermissionDenied
from schema.generated.account.v1 import account_pb2
from schema.generated.admin.v1 import admin_pb2 as pb
from schema.graphql.accounts import Account, account_of
from schema.graphql.activity import Activity, PageInfo
from schema.graphql.admin.activity import activity_of
from schema.graphql.admin.change import AdminChange
from schema.graphql.admin.lists import cursor_of, leave_out, page_info
from schema.graphql.admin.merge import AdminMerge
from schema.graphql.cost import at_most
from schema.graphql.field import field
from schema.graphql.info import Info
from schema.graphql.ports import Identity

Part = pb.GetAccountResponse.Part
READ_ACTIVITIES = "admin.activities.read"


def public_account(message: pb.Account) -> account_pb2.Account:
    """The account in the words of the account backend, which the account types read."""
    account = account_pb2.Account(
        id=message.id,
        type=message.type,
        status=account_pb2.AccountStatus.ValueType(message.status),
        version=message.version,
        handle=message.handle,
        display_name=message.display_name,
        avatar_url=message.avatar_url if message.HasField("avatar_url") else None,
        bio=message.bio if message.HasField("bio") else None,
        created_at=message.created_at,
    )
    match message.WhichOneof("attributes"):
        case "creator":
            own = message.creator
            account.creator.CopyFrom(
                account_pb2.CreatorAttributes(
                    category=own.category if own.HasField("category") else None, verified=own.verified
                )
            )
        case "business":
            company = message.business
            account.business.CopyFrom(
                account_pb2.BusinessAttributes(
                    company_name=company.company_name,
                    industry=company.industry if company.HasField("industry") else None,
                    verified=company.verified,
                )
            )
        case "staff":
            account.staff.CopyFrom(account_pb2.StaffAttributes(department=message.staff.department))
    return account


def staff_view(message: pb.Account, viewer: Identity) -> Account:
    """The account in the class of its type, as staff reads it."""
    return account_of(public_account(message), viewer)


@strawberry.type(description="An account and its place in a list.")
class AdminAccountEdge:
    """An account and its place in a list."""

    cursor: str = strawberry.field(description="Its place; of use only as `after` of the same list.")
    node: Account = strawberry.field(description="The account.")


@strawberry.type(description="A page of accounts, by id.")
class AdminAccountConnection:
    """A page of accounts, by id."""

    edges: list[AdminAccountEdge] = strawberry.field(description="The items of the page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands in its list.")

    @classmethod
    def from_message(cls, message: pb.SearchAccountsResponse, after: str | None, viewer: Identity) -> Self:
        """The page that `message` tells of."""
        edges = [AdminAccountEdge(cursor=cursor_of(one.id), node=staff_view(one, viewer)) for one in message.accounts]
        return cls(edges=edges, page_info=page_info(edges, after=after, has_next=message.has_next_page))


@strawberry.type(description="A permission given to one account, or kept from it, whatever its role says.")
class AdminGrant:
    """A permission given to one account, or kept from it."""

    permission: str = strawberry.field(description="Its dotted name.")
    allow: bool = strawberry.field(description="False for a denial, which wins over everything.")

    @classmethod
    def from_message(cls, message: pb.Grant) -> Self:
        """The grant that `message` tells of."""
        return cls(permission=message.permission, allow=message.allow)


@strawberry.type(description="An account with all that hangs on it. What cannot be told right now is null.")
class AdminAccount:
    """An account with all that hangs on it."""

    message: strawberry.Private[pb.GetAccountResponse]
    viewer: strawberry.Private[Identity]

    account: Account = strawberry.field(description="What everybody may know of it; here in any state.")

    @classmethod
    def from_message(cls, message: pb.GetAccountResponse, viewer: Identity) -> Self:
        """The account that `message` tells of, as `viewer` reads it."""
        return cls(message=message, viewer=viewer, account=staff_view(message.account, viewer))

    @field(description="The birthday of a private person; null when not given.")
    async def birthday(self, info: Info) -> date | None:
        """Told with the account."""
        if not self._told(info, Part.PART_PRIVATE_ATTRIBUTES) or not self.message.HasField("birthday"):
            return None
        return date.fromisoformat(self.message.birthday)

    @field(description="How many accounts follow it.")
    async def followers(self, info: Info) -> int | None:
        """Told with the account."""
        return self.message.followers if self._told(info, Part.PART_FOLLOW_COUNTS) else None

    @field(description="How many accounts it follows.")
    async def following(self, info: Info) -> int | None:
        """Told with the account."""
        return self.message.following if self._told(info, Part.PART_FOLLOW_COUNTS) else None

    @field(description="What was granted to it, and denied, by name.", size=at_most(20))
    async def grants(self, info: Info) -> list[AdminGrant] | None:
        """Told with the account."""
        if not self._told(info, Part.PART_GRANTS):
            return None
        return [AdminGrant.from_message(grant) for grant in self.message.grants]

    @field(description="What it did last, newest first. Needs admin.activities.read.", size=at_most(10))
    async def recent_activities(self, info: Info) -> list[Activity] | None:
        """Told with the account."""
        if Part.PART_ACTIVITIES in self.message.withheld:
            raise PermissionDenied(READ_ACTIVITIES)
        if not self._told(info, Part.PART_ACTIVITIES):
            return None
        return [activity_of(activity, self.viewer) for activity in self.message.recent_activities]

    @field(description="What changed it last, newest first.", size=at_most(10))
    async def recent_changes(self, info: Info) -> list[AdminChange] | None:
        """Told with the account."""
        if not self._told(info, Part.PART_CHANGES):
            return None
        return [AdminChange.from_message(change) for change in self.message.recent_changes]

    @field(description="How its merging into another account is; null also when nobody began it.")
    async def merge(self, info: Info) -> AdminMerge | None:
        """Told with the account."""
        if not self._told(info, Part.PART_MERGE) or not self.message.HasField("merge"):
            return None
        return AdminMerge.from_message(self.message.merge)

    def _told(self, info: Info, part: "pb.GetAccountResponse.Part.ValueType") -> bool:
        """Whether the part could be told; a gap is listed in `extensions.degraded`."""
        for gap in self.message.gaps:
            if gap.part == part:
                leave_out(info, gap.backend, gap.code)
                return False
        return True


@strawberry.type(description="What became of a permission of an account.")
class AdminGrants:
    """What became of a permission of an account."""

    changed: bool = strawberry.field(description="Whether anything changed.")
    grants: list[AdminGrant] = strawberry.field(
        description="What the account has now, by name.", directives=[at_most(20)]
    )
