"""What an event does: once, whatever comes again or late."""

import pytest

from services.job.biz.changes import ChangeKind
from services.job.biz.errands import ErrandKind, ErrandState
from services.job.biz.happenings import (
    Changed,
    Difference,
    FollowsChanged,
    Merged,
    MergeStarted,
    Opened,
    PermissionSet,
    PermissionTakenBack,
    Published,
    StatusChanged,
    What,
)
from services.job.biz.listening import apply, channels_of, subjects_of
from tests.services.job.examples import ADA, BO, CLOSED, event_id, happening
from tests.services.job.fakes import FakeLedger

RENAMED = Changed((Difference("display_name", "Ada", "Ada N."),))


async def test_a_merge_that_was_started_is_an_errand_with_every_step_ahead() -> None:
    ledger = FakeLedger()
    assert await apply(happening(MergeStarted(BO)), ledger, "00-aa-bb-01", "blue")
    errand = ledger.errands[ErrandKind.MERGE, ADA]
    names = [step.name for step in errand.steps]
    assert names == ["follows", "activities", "grants", "sessions", "finish", "verify"]
    assert not any(step.done for step in errand.steps)
    assert (errand.target_id, errand.actor_id, errand.reason) == (BO, 4, "because")
    assert (errand.state, errand.traceparent, errand.lane) == (ErrandState.QUEUED, "00-aa-bb-01", "blue")
    assert errand.requested_at == errand.due_at == happening(None).occurred_at


async def test_an_account_that_is_closed_for_good_is_an_errand() -> None:
    ledger = FakeLedger()
    assert await apply(happening(CLOSED), ledger)
    assert [step.name for step in ledger.errands[ErrandKind.ERASURE, ADA].steps] == ["erase"]


@pytest.mark.parametrize(
    "what", [RENAMED, StatusChanged("ACTIVE", "CLOSING"), Merged(BO), PermissionSet("x.y", True), Published(), None]
)
async def test_nothing_else_is_an_errand(what: What | None) -> None:
    ledger = FakeLedger()
    assert not await apply(happening(what), ledger)
    assert ledger.errands == {}


@pytest.mark.parametrize("what", [Opened("ada"), RENAMED, MergeStarted(BO), CLOSED, Merged(BO)])
async def test_an_event_that_comes_again_changes_nothing(what: What) -> None:
    ledger = FakeLedger()
    await apply(happening(what), ledger)
    changes, errands = dict(ledger.changes), dict(ledger.errands)
    assert not await apply(happening(what), ledger)
    assert (ledger.changes, ledger.errands) == (changes, errands)


async def test_the_end_of_an_account_takes_the_values_out_of_its_history_and_of_no_other() -> None:
    ledger = FakeLedger()
    life: list[What] = [Opened("ada"), RENAMED, StatusChanged("ACTIVE", "CLOSING")]
    for number, what in enumerate(life):
        await apply(happening(what, number), ledger)
        await apply(happening(what, 10 + number, BO), ledger)
    others = {key: change for key, change in ledger.changes.items() if change.account_id == BO}
    await apply(happening(CLOSED, 5), ledger)
    assert [(change.kind, change.reason, change.erased) for change in await ledger.changes_of(ADA)] == [
        (ChangeKind.OPENED, "", True),
        (ChangeKind.ATTRIBUTES, "", True),
        (ChangeKind.STATUS, "", True),
        (ChangeKind.STATUS, "because", False),
    ]
    assert [change.differences for change in await ledger.changes_of(ADA)] == [
        (Difference("handle"),),
        (Difference("display_name"),),
        (Difference("status", "ACTIVE", "CLOSING"),),
        (Difference("status", "CLOSING", "CLOSED"),),
    ]
    assert {key: change for key, change in ledger.changes.items() if change.account_id == BO} == others


async def test_an_event_that_comes_after_the_end_brings_no_value_back() -> None:
    ledger = FakeLedger()
    await apply(happening(CLOSED, 5), ledger)
    await apply(happening(RENAMED, 3), ledger)
    late = ledger.changes[event_id(3), ADA]
    assert (late.differences, late.reason, late.erased) == ((Difference("display_name"),), "", True)


async def test_the_end_takes_the_words_out_of_the_merge_too() -> None:
    ledger = FakeLedger()
    await apply(happening(MergeStarted(BO), 1), ledger)
    await apply(happening(StatusChanged("MERGED", "CLOSED"), 2), ledger)
    assert ledger.errands[ErrandKind.MERGE, ADA].reason == ""


@pytest.mark.parametrize(
    ("what", "channels"),
    [
        (RENAMED, ["atrium:push:account:1"]),
        (CLOSED, ["atrium:push:account:1"]),
        (MergeStarted(BO), ["atrium:push:account:1"]),
        (Merged(BO), ["atrium:push:account:1"]),
        (Published(), ["atrium:push:author:1"]),
        (Opened("ada"), []),
        (PermissionSet("x.y", True), []),
        (None, []),
    ],
)
def test_those_are_told_who_wait_for_it(what: What | None, channels: list[str]) -> None:
    assert channels_of(happening(what)) == channels


HANDLE = Changed((Difference("bio", None, "x"), Difference("handle", "ada", "Ada_N")))


@pytest.mark.parametrize(
    ("what", "subjects"),
    [
        (Opened("Ada"), ["account/1", "handle/ada"]),
        (RENAMED, ["account/1"]),
        (HANDLE, ["account/1", "handle/ada", "handle/ada_n"]),
        (CLOSED, ["account/1"]),
        (MergeStarted(BO), ["account/1"]),
        (Merged(BO), ["account/1"]),
        (PermissionSet("x.y", True), ["account/1"]),
        (PermissionTakenBack("x.y"), ["account/1"]),
        (FollowsChanged(), []),
        (Published(), []),
        (None, []),
    ],
)
def test_what_gateways_are_to_forget_is_the_account_and_the_handles_it_had_and_has(
    what: What | None, subjects: list[str]
) -> None:
    assert subjects_of(happening(what)) == subjects
