"""Replies as tables."""

from collections.abc import Iterable
from datetime import UTC

from google.protobuf.timestamp_pb2 import Timestamp
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.identity.v1 import identity_pb2
from services.admin.commands.words import name_of

MORE = "more come after: go on with {}"


def accounts(console: Console, reply: pb.SearchAccountsResponse) -> None:
    """The accounts found."""
    _accounts(console, reply.accounts)
    if reply.has_next_page:
        console.print(MORE.format(f"--after acc_{reply.accounts[-1].id}"))


def account(
    console: Console,
    reply: pb.CreateAccountResponse
    | pb.ChangeAccountResponse
    | pb.CloseAccountResponse
    | pb.ReopenAccountResponse
    | pb.SuspendAccountResponse,
) -> None:
    """The account as it is now."""
    _accounts(console, [reply.account])


def _accounts(console: Console, found: Iterable[pb.Account]) -> None:
    table = _table("id", "handle", "name", "type", "status", "version", "opened")
    for each in found:
        table.add_row(
            f"acc_{each.id}",
            each.handle,
            escape(each.display_name),
            name_of(identity_pb2.AccountType, "ACCOUNT_TYPE_", each.type),
            name_of(pb.AccountStatus, "ACCOUNT_STATUS_", each.status),
            str(each.version),
            _moment(each.created_at),
        )
    _print(console, table, "no accounts")


def details(console: Console, reply: pb.GetAccountResponse) -> None:
    """An account with all that hangs on it."""
    _accounts(console, [reply.account])
    missing = {gap.part: f"not known: {gap.backend} {gap.code}" for gap in reply.gaps}
    missing |= dict.fromkeys(reply.withheld, "needs admin.activities.read")
    part = pb.GetAccountResponse
    table = _table("of it", "")
    for name, value, its_part in (
        ("picture", escape(reply.account.avatar_url), None),
        ("about", escape(reply.account.bio), None),
        *_own(reply.account),
        ("birthday", reply.birthday, part.PART_PRIVATE_ATTRIBUTES),
        ("followers", str(reply.followers), part.PART_FOLLOW_COUNTS),
        ("following", str(reply.following), part.PART_FOLLOW_COUNTS),
        ("permissions", _grants(reply.grants), part.PART_GRANTS),
        ("activities", _activities(reply.recent_activities), part.PART_ACTIVITIES),
        ("changes", _changes(reply.recent_changes), part.PART_CHANGES),
        ("merge", _merge(reply), part.PART_MERGE),
    ):
        table.add_row(name, missing.get(its_part, value) if its_part else value)
    console.print(table)


def _own(account: pb.Account) -> Iterable[tuple[str, str, None]]:
    kind = account.WhichOneof("attributes")
    if kind:
        for field, value in getattr(account, kind).ListFields():
            yield field.name.replace("_", " "), escape(str(value)), None


def _grants(grants: Iterable[pb.Grant]) -> str:
    return ", ".join(f"{grant.permission}: {'granted' if grant.allow else 'denied'}" for grant in grants)


def _activities(found: Iterable[pb.Activity]) -> str:
    return "\n".join(f"{_moment(each.created_at)} {_kind(each)} {escape(each.text)}" for each in found)


def _changes(found: Iterable[pb.Change]) -> str:
    return "\n".join(f"{_moment(each.occurred_at)} {_what(each)}: {_differences(each)}" for each in found)


def _merge(reply: pb.GetAccountResponse) -> str:
    if not reply.HasField("merge"):
        return ""
    return f"into acc_{reply.merge.target_id}: {_state(reply.merge)}"


def grants(console: Console, reply: pb.GrantPermissionResponse | pb.RevokePermissionResponse) -> None:
    """What an account has now."""
    console.print("changed" if reply.changed else "nothing changed")
    table = _table("permission", "")
    for grant in reply.grants:
        table.add_row(grant.permission, "granted" if grant.allow else "denied")
    _print(console, table, "nothing is granted or denied to it")


def changes(console: Console, reply: pb.ListChangesResponse) -> None:
    """What changed an account."""
    table = _table("when", "what", "by", "why", "difference")
    for each in reply.changes:
        by = f"acc_{each.actor_id}" if each.actor_id else "-"
        table.add_row(_moment(each.occurred_at), _what(each), by, escape(each.reason), _differences(each))
    _print(console, table, "no changes")
    if reply.has_next_page:
        console.print(MORE.format(f"--after {reply.changes[-1].cursor}"))


def _what(change: pb.Change) -> str:
    return name_of(pb.ChangeKind, "CHANGE_KIND_", change.kind)


def _differences(change: pb.Change) -> str:
    if change.erased:
        return ", ".join(one.field for one in change.differences) + " (erased)"
    return ", ".join(f"{one.field}: {_value(one, 'before')} → {_value(one, 'after')}" for one in change.differences)


def _value(difference: pb.Difference, side: str) -> str:
    return escape(repr(getattr(difference, side))) if difference.HasField(side) else "-"  # type: ignore[arg-type]


def activities(console: Console, reply: pb.SearchActivitiesResponse) -> None:
    """The activities found."""
    table = _table("id", "when", "by", "kind", "text")
    for each in reply.activities:
        table.add_row(
            f"act_{each.id}", _moment(each.created_at), f"acc_{each.author_id}", _kind(each), escape(each.text)
        )
    _print(console, table, "no activities")
    if reply.has_next_page:
        console.print(MORE.format(f"--after act_{reply.activities[-1].id}"))


def _kind(activity: pb.Activity) -> str:
    return name_of(pb.ActivityKind, "ACTIVITY_KIND_", activity.kind)


def check(console: Console, reply: pb.CheckMergeResponse) -> None:
    """What a merge would move."""
    if reply.refusal:
        console.print(f"refused: {escape(reply.refusal)}")
        return
    table = _table("would move", "how many")
    for amount in reply.moves:
        table.add_row(amount.what, str(amount.count))
    console.print(table)


def merge(console: Console, found: pb.Merge) -> None:
    """How a merge is."""
    table = _table("step", "moved", "of", "done")
    for step in found.steps:
        table.add_row(step.name, str(step.moved), str(step.total), "yes" if step.done else "no")
    console.print(table)
    problem = f": {escape(found.problem)}" if found.problem else ""
    console.print(f"acc_{found.source_id} into acc_{found.target_id}: {_state(found)}{problem}")


def _state(found: pb.Merge) -> str:
    return name_of(pb.MergeState, "MERGE_STATE_", found.state)


def audits(console: Console, reply: pb.ListAuditsResponse) -> None:
    """What staff did."""
    table = _table("when", "by", "what", "on", "outcome", "told")
    for each in reply.audits:
        on = f"acc_{each.account_id}" if each.account_id else "-"
        told = {"why": each.reason, "asked": each.request, "before": each.before, "after": each.after}
        words = "\n".join(f"{name}: {escape(text)}" for name, text in told.items() if text not in ("", "{}"))
        table.add_row(_moment(each.at), f"acc_{each.actor_id}", each.action, on, str(each.outcome), words)
    _print(console, table, "no audits")
    if reply.has_next_page:
        console.print(MORE.format(f"--after {reply.audits[-1].id}"))


def _table(*columns: str) -> Table:
    """A table whose last column gives way where there is little room."""
    table = Table(box=box.SIMPLE_HEAD)
    for place, name in enumerate(columns, start=1):
        table.add_column(name, no_wrap=place < len(columns), overflow="fold")
    return table


def _print(console: Console, table: Table, nothing: str) -> None:
    console.print(table if table.row_count else nothing)


def _moment(message: Timestamp) -> str:
    return f"{message.ToDatetime(UTC):%Y-%m-%d %H:%M:%S}"
