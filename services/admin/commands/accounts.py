"""What commands do with accounts."""

from dataclasses import dataclass
from typing import Any

from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.identity.v1 import identity_pb2
from services.admin.commands import tables
from services.admin.commands.client import FAILED, OK, Client, Work, meant, password_from
from services.admin.commands.words import Wrong, attributes, enum_number, enum_numbers, number, numbers

TYPE, STATUS = "ACCOUNT_TYPE_", "ACCOUNT_STATUS_"
OWN = {
    identity_pb2.ACCOUNT_TYPE_CREATOR: ("creator", pb.CreatorAttributes, ("category", "verified")),
    identity_pb2.ACCOUNT_TYPE_BUSINESS: (
        "business",
        pb.BusinessAttributes,
        ("company_name", "industry", "verified"),
    ),
    identity_pb2.ACCOUNT_TYPE_STAFF: ("staff", pb.StaffAttributes, ("department",)),
}
"""The field, the message and the attributes of each account type that has any."""
CHANGEABLE = (
    *("display_name", "handle", "avatar_url", "bio", "verified"),
    *("category", "company_name", "industry", "department", "birthday"),
)
QUESTIONS = {
    "CloseAccount": "Close {}? Its owner can undo that until the cooling-off period ends.",
    "SuspendAccount": "Bar {} and end its sessions?",
    "ReopenAccount": "Reopen {}?",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which accounts, as the command line says."""

    ids: list[str]
    handle: str
    name: str
    types: list[str]
    statuses: list[str]


def search(which: Wanted, first: int, after: str) -> Work:
    """Shows the accounts that match."""

    async def work(client: Client) -> int:
        request = pb.SearchAccountsRequest(
            actor=client.viewer,
            ids=numbers("--id", which.ids),
            handle_prefix=which.handle,
            name_part=which.name,
            types=enum_numbers("--type", identity_pb2.AccountType, TYPE, which.types),  # type: ignore[arg-type]
            statuses=enum_numbers("--status", pb.AccountStatus, STATUS, which.statuses),  # type: ignore[arg-type]
            first=first,
            after_id=number("--after", after),
        )
        client.tell(await client.desk.SearchAccounts(request), lambda reply: tables.accounts(client.console, reply))
        return OK

    return work


def show(account: str) -> Work:
    """Shows one account."""

    async def work(client: Client) -> int:
        request = pb.GetAccountRequest(actor=client.viewer, account_id=await client.number_of(account))
        client.tell(await client.desk.GetAccount(request), lambda reply: tables.details(client.console, reply))
        return OK

    return work


def create(account_type: str, handle: str, name: str, reason: str, given: list[str], new_password_stdin: bool) -> Work:
    """Opens an account."""

    async def work(client: Client) -> int:
        kind = enum_number("--type", identity_pb2.AccountType, TYPE, account_type)
        field, message, names = OWN.get(kind, ("", None, ()))  # type: ignore[call-overload]
        own: Any = attributes(given, names)
        password = password_from("Password of the account", from_stdin=new_password_stdin, confirm=True)
        request = pb.CreateAccountRequest(
            actor=client.viewer,
            reason=reason,
            type=kind,  # type: ignore[arg-type]
            handle=handle,
            display_name=name,
            password=password,
            **({field: message(**own)} if message else {}),
        )
        client.tell(await client.desk.CreateAccount(request), lambda reply: tables.account(client.console, reply))
        return OK

    return work


def change(account: str, reason: str, given: list[str], version: int | None) -> Work:
    """Changes an account, from its current version unless one is given."""

    async def work(client: Client) -> int:
        wanted: Any = attributes(given, CHANGEABLE)
        if not wanted:
            raise Wrong(f"--set: must name what to change: {', '.join(CHANGEABLE)}")
        account_id = await client.number_of(account)
        request = pb.ChangeAccountRequest(
            actor=client.viewer,
            reason=reason,
            account_id=account_id,
            version=version or await _current_version(client, account_id),
            **wanted,
        )
        client.tell(await client.desk.ChangeAccount(request), lambda reply: tables.account(client.console, reply))
        return OK

    return work


async def _current_version(client: Client, account_id: int) -> int:
    request = pb.GetAccountRequest(actor=client.viewer, account_id=account_id)
    return int((await client.desk.GetAccount(request)).account.version)


def turn(call: str, account: str, reason: str, *, yes: bool) -> Work:
    """Has the life of an account take a turn, if that is meant."""

    async def work(client: Client) -> int:
        account_id = await client.number_of(account)
        if not meant(QUESTIONS[call].format(account), yes=yes):
            client.aside.print("nothing changed")
            return FAILED
        request = getattr(pb, f"{call}Request")(actor=client.viewer, account_id=account_id, reason=reason)
        client.tell(await getattr(client.desk, call)(request), lambda reply: tables.account(client.console, reply))
        return OK

    return work


def grant(account: str, permission: str, reason: str, *, allow: bool) -> Work:
    """Grants or denies a permission."""

    async def work(client: Client) -> int:
        request = pb.GrantPermissionRequest(
            actor=client.viewer,
            account_id=await client.number_of(account),
            permission=permission,
            allow=allow,
            reason=reason,
        )
        client.tell(await client.desk.GrantPermission(request), lambda reply: tables.grants(client.console, reply))
        return OK

    return work


def revoke(account: str, permission: str, reason: str) -> Work:
    """Takes back a grant or denial."""

    async def work(client: Client) -> int:
        request = pb.RevokePermissionRequest(
            actor=client.viewer,
            account_id=await client.number_of(account),
            permission=permission,
            reason=reason,
        )
        client.tell(await client.desk.RevokePermission(request), lambda reply: tables.grants(client.console, reply))
        return OK

    return work
