"""What staff may read."""

from datetime import datetime
from typing import Annotated, TypeAlias

import strawberry

from schema.errcode import PermissionDenied
from schema.graphql import arguments
from schema.graphql.admin.account import READ_ACTIVITIES, AdminAccount, AdminAccountConnection
from schema.graphql.admin.activity import AdminActivityConnection
from schema.graphql.admin.audit import AdminAuditConnection
from schema.graphql.admin.change import AdminChangeConnection
from schema.graphql.admin.lists import account_number, account_numbers, named_by_id, number_at
from schema.graphql.admin.merge import AdminMerge, AdminMergeCheck
from schema.graphql.admin.ports import AccountsKey, ActivitiesKey, AuditsKey
from schema.graphql.cost import PAGE
from schema.graphql.enums import AccountStatus, AccountType, ActivityKind
from schema.graphql.field import field
from schema.graphql.info import Info
from schema.graphql.ports import Context, Identity, PermissionKey

PERMISSIONS = (
    "admin.accounts.read",
    "admin.accounts.write",
    "admin.accounts.close",
    READ_ACTIVITIES,
    "admin.permissions.grant",
)
"""One of them opens the door; what lies behind it each field's backend asks anew."""
First: TypeAlias = Annotated[int, strawberry.argument(description="At most this many: 1 to 100.")]
After: TypeAlias = Annotated[
    str | None, strawberry.argument(description="The cursor of the item just before; null for the start.")
]
Id: TypeAlias = Annotated[strawberry.ID, strawberry.argument(name="id", description="Id of the account.")]
AccountId: TypeAlias = Annotated[strawberry.ID, strawberry.argument(description="Id of the account.")]
SourceId: TypeAlias = Annotated[strawberry.ID, strawberry.argument(description="Id of the account that is merged.")]
TargetId: TypeAlias = Annotated[strawberry.ID, strawberry.argument(description="Id of the account that takes over.")]


@strawberry.input(description="Which accounts to find. What is set must all hold.")
class AdminAccountFilter:
    """Which accounts to find."""

    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="One of these, at most 200.")
    handle_prefix: str | None = strawberry.field(
        default=None, description="Handles that begin so, compared without case."
    )
    name_part: str | None = strawberry.field(
        default=None, description="Names shown that contain this, compared without case."
    )
    types: list[AccountType] | None = strawberry.field(default=None, description="One of these types.")
    statuses: list[AccountStatus] | None = strawberry.field(default=None, description="One of these statuses.")

    def key(self, first: int, after: str | None) -> AccountsKey:
        """What to ask for."""
        return AccountsKey(
            first=arguments.page_size(first),
            after_id=number_at(after),
            ids=account_numbers("ids", self.ids or ()),
            handle_prefix=self.handle_prefix or "",
            name_part=self.name_part or "",
            types=tuple(arguments.account_type("types", one).number for one in self.types or ()),
            statuses=tuple(arguments.status("statuses", one).number for one in self.statuses or ()),
        )


@strawberry.input(description="Which activities to find. What is set must all hold.")
class AdminActivityFilter:
    """Which activities to find."""

    author_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="By one of these, at most 200.")
    kinds: list[ActivityKind] | None = strawberry.field(default=None, description="One of these kinds.")
    since: datetime | None = strawberry.field(default=None, description="Not before this moment.")
    until: datetime | None = strawberry.field(default=None, description="Before this moment.")

    def key(self, first: int, after: str | None) -> ActivitiesKey:
        """What to ask for."""
        return ActivitiesKey(
            first=arguments.page_size(first),
            before_id=number_at(after),
            author_ids=account_numbers("authorIds", self.author_ids or ()),
            kinds=tuple(one.number for one in arguments.kinds(self.kinds)),
            since=self.since,
            until=self.until,
        )


@strawberry.input(description="Which audits to list. What is set must all hold.")
class AdminAuditFilter:
    """Which audits to list."""

    actor_id: strawberry.ID | None = strawberry.field(default=None, description="What this account did.")
    account_id: strawberry.ID | None = strawberry.field(default=None, description="What was done to this account.")
    action: str | None = strawberry.field(default=None, description="This call, such as ChangeAccount.")

    def key(self, first: int, after: str | None) -> AuditsKey:
        """What to ask for."""
        return AuditsKey(
            first=arguments.page_size(first),
            before_id=number_at(after),
            by_id=account_number("actorId", self.actor_id) if self.actor_id is not None else 0,
            account_id=account_number("accountId", self.account_id) if self.account_id is not None else 0,
            action=self.action or "",
        )


AccountFilter: TypeAlias = Annotated[
    AdminAccountFilter | None, strawberry.argument(name="filter", description="Which; null for all.")
]
ActivityFilter: TypeAlias = Annotated[
    AdminActivityFilter | None, strawberry.argument(name="filter", description="Which; null for all.")
]
AuditFilter: TypeAlias = Annotated[
    AdminAuditFilter | None, strawberry.argument(name="filter", description="Which; null for all.")
]


async def admitted(context: Context) -> Identity:
    """Who is asking; raises PermissionDenied for whoever has no permission of the desk, guests among them."""
    viewer = await context.identity()
    if viewer.is_guest:
        raise PermissionDenied(PERMISSIONS[0])
    if not any(await context.loaders.permission.load_many(PermissionKey(viewer, one) for one in PERMISSIONS)):
        raise PermissionDenied(PERMISSIONS[0])
    return viewer


@strawberry.type(
    description="What staff may read. Each field needs its own permission, is asked by itself, and is audited."
)
class Admin:
    """What staff may read. A field that is refused leaves those beside it whole."""

    viewer: strawberry.Private[Identity]

    @field(description="Accounts in any state, by id. Needs admin.accounts.read.", cost=10, size=PAGE)
    async def accounts(
        self, info: Info, wanted: AccountFilter = None, first: First = 20, after: After = None
    ) -> AdminAccountConnection | None:
        """Asks the desk."""
        key = (wanted or AdminAccountFilter()).key(first, after)
        with arguments.named_by_argument():
            found = await info.context.admin.search_accounts(self.viewer, key)
        return AdminAccountConnection.from_message(found, after, self.viewer)

    @field(
        description="An account with all that hangs on it; ACCOUNT_NOT_FOUND when there is none. Needs "
        "admin.accounts.read.",
        cost=10,
    )
    async def account(self, info: Info, account_id: Id) -> AdminAccount | None:
        """Asks the desk."""
        number = account_number("id", account_id)
        with named_by_id():
            found = await info.context.admin.account(self.viewer, number)
        return AdminAccount.from_message(found, self.viewer)

    @field(description="What changed an account, newest first. Needs admin.accounts.read.", cost=10, size=PAGE)
    async def changes(
        self, info: Info, account_id: AccountId, first: First = 20, after: After = None
    ) -> AdminChangeConnection | None:
        """Asks the desk."""
        number, size = account_number("accountId", account_id), arguments.page_size(first)
        with arguments.named_by_argument():
            found = await info.context.admin.changes(self.viewer, number, size, arguments.cursor(after))
        return AdminChangeConnection.from_message(found, after)

    @field(description="Activities of anybody, newest first. Needs admin.activities.read.", cost=10, size=PAGE)
    async def activities(
        self, info: Info, wanted: ActivityFilter = None, first: First = 20, after: After = None
    ) -> AdminActivityConnection | None:
        """Asks the desk."""
        key = (wanted or AdminActivityFilter()).key(first, after)
        with arguments.named_by_argument():
            found = await info.context.admin.search_activities(self.viewer, key)
        return AdminActivityConnection.from_message(found, after, self.viewer)

    @field(
        description="How the merging of an account into another is; null when nobody began it. One that has just "
        "begun may not be there yet. Needs admin.accounts.read.",
        cost=10,
    )
    async def merge(self, info: Info, source_id: SourceId) -> AdminMerge | None:
        """Asks the desk."""
        found = await info.context.admin.merge(self.viewer, account_number("sourceId", source_id))
        return AdminMerge.from_message(found) if found else None

    @field(description="What merging two accounts would move; changes nothing. Needs admin.accounts.read.", cost=10)
    async def check_merge(self, info: Info, source_id: SourceId, target_id: TargetId) -> AdminMergeCheck | None:
        """Asks the desk."""
        source, target = account_number("sourceId", source_id), account_number("targetId", target_id)
        with named_by_id():
            found = await info.context.admin.check_merge(self.viewer, source, target)
        return AdminMergeCheck.from_message(found)

    @field(description="What staff did and tried, newest first. Needs admin.accounts.read.", cost=10, size=PAGE)
    async def audits(
        self, info: Info, wanted: AuditFilter = None, first: First = 20, after: After = None
    ) -> AdminAuditConnection | None:
        """Asks the desk."""
        found = await info.context.admin.audits(self.viewer, (wanted or AdminAuditFilter()).key(first, after))
        return AdminAuditConnection.from_message(found, after)
