"""What happened to accounts, written into the outbox."""

from collections.abc import Callable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from schema.generated.event.v1 import event_pb2 as pb
from services.account.biz import (
    Account,
    Changed,
    Difference,
    Happening,
    Merged,
    MergeStarted,
    Opened,
    StatusChanged,
)
from services.runtime.outbox import Outbox, What


async def tell(outbox: Outbox, session: AsyncSession, account: Account, happening: Happening) -> None:
    """Writes what happened to the account, which is as it is afterwards, in the transaction of the session."""
    what = what_to_message(account, happening)
    await outbox.add(session, account.id, what, actor_id=happening.actor_id, reason=happening.reason)


def what_to_message(account: Account, happening: Happening) -> What:
    """What happened to the account, which is as it is afterwards."""
    return _MESSAGES[type(happening.what)](account, happening.what)


def _opened(account: Account, _what: Opened) -> What:
    return pb.AccountOpened(version=account.version, handle=account.handle)


def _changed(account: Account, what: Changed) -> What:
    return pb.AccountChanged(version=account.version, differences=map(difference_to_message, what.differences))


def difference_to_message(difference: Difference) -> pb.FieldDifference:
    """What a change made of one attribute."""
    return pb.FieldDifference(field=difference.field, before=difference.before, after=difference.after)


def _status_changed(account: Account, what: StatusChanged) -> What:
    return pb.AccountStatusChanged(version=account.version, before=what.before.name, after=account.status.name)


def _merge_started(_account: Account, what: MergeStarted) -> What:
    return pb.AccountMergeStarted(target_id=what.target_id)


def _merged(account: Account, what: Merged) -> What:
    return pb.AccountMerged(target_id=what.target_id, version=account.version)


_MESSAGES: dict[type[Any], Callable[[Account, Any], What]] = {
    Opened: _opened,
    Changed: _changed,
    StatusChanged: _status_changed,
    MergeStarted: _merge_started,
    Merged: _merged,
}
"""The message for each kind of happening."""
