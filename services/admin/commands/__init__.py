"""The command line of the desk: `python -m services admin --help`. It is a client of the admin backend."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from services.runtime.commandline import launch, refuse

if TYPE_CHECKING:
    from services.admin.commands.client import Identity, Work

# What a command needs is imported inside it: help and refusals come at once, without gRPC.

app = typer.Typer(
    help="Find, change and end accounts, as staff. Sign in with --as, or put a session token into ATRIUM_TOKEN. "
    "Everything done here is written down: who, what, why, before and after.",
    no_args_is_help=True,
)
Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its id, acc_1 or 1, or its handle.")]
Reason = Annotated[str, typer.Option(help="Why; written down with what is done.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")]
First = Annotated[int, typer.Option(min=1, max=200, help="At most this many.")]
After = Annotated[str, typer.Option(help="Go on after this id, the last one shown.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="May be given again for each attribute."),
]
Authors = Annotated[list[str] | None, typer.Option("--author", help="By this account; may be given again.")]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Of this kind, such as POST; may be given again.")]
DAYS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
Since = Annotated[datetime | None, typer.Option(formats=DAYS, help="Not before this moment, in UTC.")]
Until = Annotated[datetime | None, typer.Option(formats=DAYS, help="Before this moment, in UTC.")]


@app.callback()
def sign_in(
    context: typer.Context,
    handle: Annotated[str | None, typer.Option("--as", metavar="HANDLE", help="Sign in with this handle.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from stdin instead of asking for it.")
    ] = False,
    token: Annotated[str | None, typer.Option(envvar="ATRIUM_TOKEN", hidden=True)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Note who acts; nothing is asked of any backend yet."""
    from services.admin.commands.client import Identity

    context.obj = Identity(handle, password_stdin, token, as_json)


@app.command()
def search(  # noqa: PLR0913 - an option for each filter.
    context: typer.Context,
    ids: Annotated[list[str] | None, typer.Option("--id", help="With this id; may be given again.")] = None,
    handle: Annotated[str, typer.Option(help="With a handle that begins so.")] = "",
    name: Annotated[str, typer.Option(help="With a name that contains this.")] = "",
    types: Annotated[list[str] | None, typer.Option("--type", help="Of this type, such as CREATOR.")] = None,
    statuses: Annotated[list[str] | None, typer.Option("--status", help="In this status, such as CLOSED.")] = None,
    first: First = 20,
    after: After = "",
) -> None:
    """Find accounts in any state; what is given must all hold."""
    from services.admin.commands.accounts import Wanted, search

    _run(context, search(Wanted(ids or [], handle, name, types or [], statuses or []), first, after))


@app.command()
def show(context: typer.Context, account: Account) -> None:
    """Show an account with all that hangs on it."""
    from services.admin.commands.accounts import show

    _run(context, show(account))


@app.command()
def create(
    context: typer.Context,
    reason: Reason,
    handle: Annotated[str, typer.Option(help="Its handle: 2 to 30 letters, digits or underscores, a letter first.")],
    name: Annotated[str, typer.Option(help="The name shown to others.")],
    account_type: Annotated[str, typer.Option("--type", help="PERSONAL, CREATOR, BUSINESS or STAFF.")] = "PERSONAL",
    attributes: Settings = None,
    new_password_stdin: Annotated[
        bool, typer.Option("--new-password-stdin", help="Read its password from stdin, after that of --as.")
    ] = False,
) -> None:
    """Open an account. --set: category and verified of a CREATOR, company_name, industry and verified of a BUSINESS,
    department of a STAFF account."""
    from services.admin.commands.accounts import create

    _run(context, create(account_type, handle, name, reason, attributes or [], new_password_stdin))


@app.command()
def change(
    context: typer.Context,
    account: Account,
    reason: Reason,
    attributes: Settings = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="Only if this is still its version; the current one when left out.")
    ] = None,
) -> None:
    """Change an account. --set: display_name, handle, avatar_url, bio; verified and category of a CREATOR, verified,
    company_name and industry of a BUSINESS, department of a STAFF, birthday of a PERSONAL account; an empty value
    removes."""
    from services.admin.commands.accounts import change

    _run(context, change(account, reason, attributes or [], version))


@app.command()
def close(context: typer.Context, account: Account, reason: Reason, yes: Yes = False) -> None:
    """Start the cooling-off period of an account."""
    from services.admin.commands.accounts import turn

    _run(context, turn("CloseAccount", account, reason, yes=yes))


@app.command()
def reopen(context: typer.Context, account: Account, reason: Reason) -> None:
    """Undo a closure within its cooling-off period, or a suspension."""
    from services.admin.commands.accounts import turn

    _run(context, turn("ReopenAccount", account, reason, yes=True))


@app.command()
def suspend(context: typer.Context, account: Account, reason: Reason, yes: Yes = False) -> None:
    """Bar an account and end its sessions."""
    from services.admin.commands.accounts import turn

    _run(context, turn("SuspendAccount", account, reason, yes=yes))


@app.command()
def history(
    context: typer.Context,
    account: Account,
    first: First = 20,
    after: Annotated[str, typer.Option(help="Go on after this cursor, the last one shown.")] = "",
) -> None:
    """Show what changed an account, field by field, newest first."""
    from services.admin.commands.records import history

    _run(context, history(account, first, after))


@app.command()
def activities(
    context: typer.Context,
    authors: Authors = None,
    kinds: Kinds = None,
    since: Since = None,
    until: Until = None,
    first: First = 20,
    after: After = "",
) -> None:
    """Show activities of anybody, newest first; what is given must all hold."""
    from services.admin.commands.records import activities, wanted

    _run(context, activities(wanted(authors, kinds, since, until), first, after))


@app.command()
def export(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to write; - for stdout.")],
    authors: Authors = None,
    kinds: Kinds = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Write activities as CSV, all that match; there is no file until it is whole."""
    from services.admin.commands.exporting import export
    from services.admin.commands.records import wanted

    _run(context, export(file, wanted(authors, kinds, since, until)))


@app.command()
def grant(
    context: typer.Context,
    account: Account,
    permission: Annotated[str, typer.Argument(metavar="PERMISSION", help="Dotted name, such as studio.use.")],
    reason: Reason,
    deny: Annotated[bool, typer.Option("--deny", help="Deny it: that wins over everything.")] = False,
) -> None:
    """Grant a permission to an account, or deny it."""
    from services.admin.commands.accounts import grant

    _run(context, grant(account, permission, reason, allow=not deny))


@app.command()
def revoke(
    context: typer.Context,
    account: Account,
    permission: Annotated[str, typer.Argument(metavar="PERMISSION", help="Dotted name, such as studio.use.")],
    reason: Reason,
) -> None:
    """Take back what was granted or denied to an account."""
    from services.admin.commands.accounts import revoke

    _run(context, revoke(account, permission, reason))


@app.command()
def merge(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The account that is merged.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The account that takes over.")],
    reason: Annotated[str, typer.Option(help="Why; needed unless it is a dry run.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would move.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Take a merge that failed up again.")] = False,
    yes: Yes = False,
) -> None:
    """Merge one account into another, and wait until all its data has been moved."""
    from services.admin.commands.merging import Plan, merge

    if not dry_run and not reason:
        refuse("--reason: is needed unless it is a dry run")
    _run(context, merge(Plan(source, target, reason, dry_run=dry_run, retry=retry, yes=yes)))


@app.command()
def audits(
    context: typer.Context,
    by: Annotated[str, typer.Option(help="What this account did.")] = "",
    account: Annotated[str, typer.Option(help="What was done to this account.")] = "",
    action: Annotated[str, typer.Option(help="This call, such as ChangeAccount.")] = "",
    first: First = 20,
    after: After = "",
) -> None:
    """Show what staff did and tried, newest first."""
    from services.admin.commands.records import audits

    _run(context, audits(by, account, action, first, after))


def _run(context: typer.Context, work: "Work") -> None:
    """Does the work as whoever the context names."""
    from services.admin.commands.client import act
    from services.runtime.settings import Settings, load

    settings, identity = load(Settings), _identity(context)
    launch(lambda: act(settings, identity, work))


def _identity(context: typer.Context) -> "Identity":
    found: Identity = context.obj
    if found.handle is None and found.token is None:
        refuse("say who you are: --as HANDLE before the command, or a session token in ATRIUM_TOKEN")
    return found
