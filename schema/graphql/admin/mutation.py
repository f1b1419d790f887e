"""What staff may change."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated, TypeAlias

import strawberry

from schema.errcode import InvalidArgument, PermissionDenied
from schema.generated.admin.v1 import admin_pb2 as pb
from schema.graphql import arguments
from schema.graphql.accounts import Account
from schema.graphql.admin.account import AdminGrant, AdminGrants, staff_view
from schema.graphql.admin.lists import account_number, named_by_id
from schema.graphql.admin.merge import AdminMerge
from schema.graphql.admin.ports import Change, Creation, Desk
from schema.graphql.admin.query import AccountId, SourceId, TargetId
from schema.graphql.enums import AccountType
from schema.graphql.field import field
from schema.graphql.info import Info
from schema.graphql.ports import Context, Identity

Reason: TypeAlias = Annotated[str, strawberry.argument(description="Why: 1 to 500 characters, kept in the audit.")]
PermissionName: TypeAlias = Annotated[str, strawberry.argument(description="Dotted name, such as studio.use.")]
WRITE, CLOSE, GRANT = "admin.accounts.write", "admin.accounts.close", "admin.permissions.grant"


@strawberry.input(description="What only a creator account has.")
class AdminCreatorInput:
    """What only a creator account has."""

    category: str | None = strawberry.field(default=None, description="What the creator publishes about.")
    verified: bool = strawberry.field(default=False, description="Whether the centre has checked who this is.")

    def message(self) -> pb.CreatorAttributes:
        """As the contract has it."""
        return pb.CreatorAttributes(category=self.category, verified=self.verified)


@strawberry.input(description="What only a business account has.")
class AdminBusinessInput:
    """What only a business account has."""

    company_name: str = strawberry.field(description="The registered name of the company.")
    industry: str | None = strawberry.field(default=None, description="What the company does.")
    verified: bool = strawberry.field(default=False, description="Whether the centre has checked who this is.")

    def message(self) -> pb.BusinessAttributes:
        """As the contract has it."""
        return pb.BusinessAttributes(company_name=self.company_name, industry=self.industry, verified=self.verified)


@strawberry.input(description="What only a staff account has.")
class AdminStaffInput:
    """What only a staff account has."""

    department: str = strawberry.field(description="Where in the company.")

    def message(self) -> pb.StaffAttributes:
        """As the contract has it."""
        return pb.StaffAttributes(department=self.department)


@strawberry.input(description="The account to open.")
class AdminCreateAccountInput:
    """The account to open."""

    reason: str = strawberry.field(description="Why: 1 to 500 characters, kept in the audit.")
    type: AccountType = strawberry.field(description="Its type, which stays; neither GUEST nor OTHER.")
    handle: str = strawberry.field(description="Its handle: 2 to 30 letters, digits or underscores, a letter first.")
    display_name: str = strawberry.field(description="The name shown to others; 1 to 80 characters.")
    password: str = strawberry.field(description="Its first password, 8 to 200 characters; kept nowhere in clear text.")
    creator: AdminCreatorInput | None = strawberry.field(default=None, description="For a creator account.")
    business: AdminBusinessInput | None = strawberry.field(default=None, description="For a business account.")
    staff: AdminStaffInput | None = strawberry.field(default=None, description="For a staff account.")

    def __repr__(self) -> str:
        return f"AdminCreateAccountInput(handle={self.handle!r})"

    def creation(self) -> Creation:
        """What to ask for."""
        given = [one.message() for one in (self.creator, self.business, self.staff) if one]
        if self.type in (AccountType.GUEST, AccountType.OTHER):
            raise InvalidArgument("type", f"no account has the type {self.type.name}")
        if len(given) > 1:
            raise InvalidArgument("input", "must set at most one of creator, business and staff")
        return Creation(
            reason=self.reason,
            type=self.type.number,
            handle=self.handle,
            display_name=self.display_name,
            password=self.password,
            attributes=given[0] if given else None,
        )


@strawberry.input(description="What to change of an account. What is left out or null stays as it is.")
class AdminChangeAccountInput:
    """What to change of an account."""

    reason: str = strawberry.field(description="Why: 1 to 500 characters, kept in the audit.")
    account_id: strawberry.ID = strawberry.field(description="Id of the account.")
    version: int = strawberry.field(description="The version that the change was made from.")
    display_name: str | None = strawberry.field(default=None, description="The new name shown to others.")
    handle: str | None = strawberry.field(default=None, description="The new handle.")
    avatar_url: str | None = strawberry.field(
        default=None, description="The new address of a picture; empty removes it."
    )
    bio: str | None = strawberry.field(default=None, description="The new words of the owner; empty removes them.")
    verified: bool | None = strawberry.field(
        default=None, description="Whether the centre has checked who this is; only for creators and businesses."
    )
    category: str | None = strawberry.field(
        default=None, description="What a creator publishes about, at most 100 characters; empty removes it."
    )
    company_name: str | None = strawberry.field(
        default=None, description="The registered name of a company; 1 to 100 characters."
    )
    industry: str | None = strawberry.field(
        default=None, description="What a company does, at most 100 characters; empty removes it."
    )
    department: str | None = strawberry.field(
        default=None, description="Where in the company an employee is; 1 to 100 characters."
    )
    birthday: date | None = strawberry.field(
        default=None, description="The birthday of a private person; from 1900-01-01 to today."
    )

    def change(self) -> Change:
        """What to ask for."""
        return Change(
            reason=self.reason,
            account_id=account_number("accountId", self.account_id),
            version=self.version,
            display_name=self.display_name,
            handle=self.handle,
            avatar_url=self.avatar_url,
            bio=self.bio,
            verified=self.verified,
            category=self.category,
            company_name=self.company_name,
            industry=self.industry,
            department=self.department,
            birthday=self.birthday.isoformat() if self.birthday else None,
        )


async def acting(context: Context, permission: str) -> Identity:
    """Who is asking; raises PermissionDenied for a guest. Whether others may is for the desk to say, and to audit."""
    viewer = await context.identity()
    if viewer.is_guest:
        raise PermissionDenied(permission)
    return viewer


@contextmanager
def at_the_desk(context: Context) -> Iterator[Desk]:
    """The desk; whatever came of it, all that follows is read anew."""
    try:
        with arguments.named_by_argument(), named_by_id():
            yield context.admin
    finally:
        context.renew()


@strawberry.type(description="What staff may change.")
class AdminMutation:
    """What staff may change; part of the one type of mutations."""

    @field(
        description="Opens an account. HANDLE_TAKEN when another has the handle. Needs admin.accounts.write.", cost=10
    )
    async def admin_create_account(
        self,
        info: Info,
        account: Annotated[AdminCreateAccountInput, strawberry.argument(name="input", description="The account.")],
    ) -> Account:
        """Opens it, and answers it with its id."""
        viewer, creation = await acting(info.context, WRITE), account.creation()
        with at_the_desk(info.context) as desk:
            return staff_view(await desk.create_account(viewer, creation), viewer)

    @field(
        description="Changes an account. VERSION_CONFLICT when it changed meanwhile. Needs admin.accounts.write.",
        cost=10,
    )
    async def admin_change_account(
        self,
        info: Info,
        account: Annotated[AdminChangeAccountInput, strawberry.argument(name="input", description="What to change.")],
    ) -> Account:
        """Changes it, and answers it as it is then."""
        viewer, change = await acting(info.context, WRITE), account.change()
        with at_the_desk(info.context) as desk:
            return staff_view(await desk.change_account(viewer, change), viewer)

    @field(
        description="Starts the cooling-off period of an account. ACCOUNT_STATE when it has begun. Needs "
        "admin.accounts.close.",
        cost=10,
    )
    async def admin_close_account(self, info: Info, account_id: AccountId, reason: Reason) -> Account:
        """Closes it, and answers it as it is then."""
        viewer, number = await acting(info.context, CLOSE), account_number("accountId", account_id)
        with at_the_desk(info.context) as desk:
            return staff_view(await desk.close_account(viewer, number, reason), viewer)

    @field(
        description="Undoes a closure within its cooling-off period, or a suspension. Needs admin.accounts.close.",
        cost=10,
    )
    async def admin_reopen_account(self, info: Info, account_id: AccountId, reason: Reason) -> Account:
        """Reopens it, and answers it as it is then."""
        viewer, number = await acting(info.context, CLOSE), account_number("accountId", account_id)
        with at_the_desk(info.context) as desk:
            return staff_view(await desk.reopen_account(viewer, number, reason), viewer)

    @field(description="Bars an account and ends its sessions. Needs admin.accounts.close.", cost=10)
    async def admin_suspend_account(self, info: Info, account_id: AccountId, reason: Reason) -> Account:
        """Bars it, and answers it as it is then."""
        viewer, number = await acting(info.context, CLOSE), account_number("accountId", account_id)
        with at_the_desk(info.context) as desk:
            return staff_view(await desk.suspend_account(viewer, number, reason), viewer)

    @field(description="Grants or denies a permission to an account. Needs admin.permissions.grant.", cost=10)
    async def admin_grant_permission(
        self,
        info: Info,
        account_id: AccountId,
        permission: PermissionName,
        reason: Reason,
        allow: Annotated[bool, strawberry.argument(description="False to deny.")] = True,
    ) -> AdminGrants:
        """Grants it, and answers what the account has then."""
        viewer, number = await acting(info.context, GRANT), account_number("accountId", account_id)
        with at_the_desk(info.context) as desk:
            granted = await desk.grant_permission(viewer, number, permission, allow=allow, reason=reason)
        return _grants(*granted)

    @field(description="Takes back what was granted or denied to an account. Needs admin.permissions.grant.", cost=10)
    async def admin_revoke_permission(
        self, info: Info, account_id: AccountId, permission: PermissionName, reason: Reason
    ) -> AdminGrants:
        """Takes it back, and answers what the account has then."""
        viewer, number = await acting(info.context, GRANT), account_number("accountId", account_id)
        with at_the_desk(info.context) as desk:
            revoked = await desk.revoke_permission(viewer, number, permission, reason=reason)
        return _grants(*revoked)

    @field(
        description="Begins to merge an account into another: it is barred until its data has been moved, which "
        "`admin.merge` tells of. MERGE_REFUSED when the two cannot be merged. Needs "
        "admin.accounts.write and admin.accounts.close.",
        cost=10,
    )
    async def admin_merge_accounts(
        self, info: Info, source_id: SourceId, target_id: TargetId, reason: Reason
    ) -> Account:
        """Begins it, and answers the source as it is then."""
        viewer = await acting(info.context, WRITE)
        source, target = account_number("sourceId", source_id), account_number("targetId", target_id)
        with at_the_desk(info.context) as desk:
            return staff_view(await desk.merge_accounts(viewer, source, target, reason), viewer)

    @field(
        description="Takes a FAILED merge up again where it stopped. Needs admin.accounts.write and "
        "admin.accounts.close.",
        cost=10,
    )
    async def admin_retry_merge(self, info: Info, source_id: SourceId, reason: Reason) -> AdminMerge:
        """Takes it up, and answers it as it is then."""
        viewer, source = await acting(info.context, WRITE), account_number("sourceId", source_id)
        with at_the_desk(info.context) as desk:
            return AdminMerge.from_message(await desk.retry_merge(viewer, source, reason))


def _grants(changed: bool, grants: Iterable[pb.Grant]) -> AdminGrants:
    return AdminGrants(changed=changed, grants=[AdminGrant.from_message(grant) for grant in grants])
