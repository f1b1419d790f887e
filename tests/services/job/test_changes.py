"""What is an entry of a history, and what is left of it in the end."""

import pytest

from services.job.biz.changes import ChangeKind, changes_of, without_values
from services.job.biz.happenings import (
    Changed,
    Difference,
    Merged,
    MergeStarted,
    Opened,
    PermissionSet,
    PermissionTakenBack,
    Published,
    StatusChanged,
    What,
)
from tests.conftest import NOON
from tests.services.job.examples import ADA, BO, event_id, happening

BIO, NAME = Difference("bio", "old", "new"), Difference("display_name", "Ada", "Ada N.")


@pytest.mark.parametrize(
    ("what", "kind", "differences"),
    [
        (Opened("ada"), ChangeKind.OPENED, (Difference("handle", None, "ada"),)),
        (Changed((BIO, NAME)), ChangeKind.ATTRIBUTES, (BIO, NAME)),
        (StatusChanged("ACTIVE", "CLOSING"), ChangeKind.STATUS, (Difference("status", "ACTIVE", "CLOSING"),)),
        (MergeStarted(BO), ChangeKind.MERGE_STARTED, (Difference("merging_into", None, "2"),)),
        (PermissionSet("x.y", True), ChangeKind.PERMISSION_GRANTED, (Difference("permission:x.y", None, "allow"),)),
        (PermissionSet("x.y", False), ChangeKind.PERMISSION_DENIED, (Difference("permission:x.y", None, "deny"),)),
        (PermissionTakenBack("x.y"), ChangeKind.PERMISSION_REVOKED, (Difference("permission:x.y"),)),
    ],
)
def test_each_kind_of_happening_is_an_entry(what: What, kind: ChangeKind, differences: tuple[Difference, ...]) -> None:
    (change,) = changes_of(happening(what, 7))
    assert (change.kind, change.differences) == (kind, differences)
    assert (change.event_id, change.account_id, change.actor_id, change.reason) == (event_id(7), ADA, 4, "because")
    assert (change.occurred_at - NOON).total_seconds() == 7 * 60
    assert not change.erased


def test_a_merge_is_an_entry_of_both_accounts() -> None:
    source, target = changes_of(happening(Merged(BO)))
    assert (source.account_id, source.kind, source.differences) == (
        ADA,
        ChangeKind.MERGED,
        (Difference("merged_into", None, "2"),),
    )
    assert (target.account_id, target.kind, target.differences) == (
        BO,
        ChangeKind.TOOK_OVER,
        (Difference("took_over", None, "1"),),
    )
    assert source.event_id == target.event_id


@pytest.mark.parametrize("what", [None, Published()])
def test_what_changes_no_account_is_no_entry(what: What | None) -> None:
    assert changes_of(happening(what)) == []


def test_erased_attributes_keep_only_that_they_changed_when_and_by_whom() -> None:
    (change,) = changes_of(happening(Changed((BIO, NAME))))
    erased = without_values(change)
    assert erased.differences == (Difference("bio"), Difference("display_name"))
    assert (erased.reason, erased.erased) == ("", True)
    assert (erased.event_id, erased.kind, erased.actor_id) == (change.event_id, change.kind, change.actor_id)
    assert erased.occurred_at == change.occurred_at


def test_an_erased_status_keeps_its_values_for_they_are_not_personal() -> None:
    (change,) = changes_of(happening(StatusChanged("ACTIVE", "CLOSING")))
    erased = without_values(change)
    assert (erased.differences, erased.reason, erased.erased) == (change.differences, "", True)


def test_a_handle_at_the_opening_is_personal() -> None:
    (change,) = changes_of(happening(Opened("ada")))
    assert without_values(change).differences == (Difference("handle"),)
