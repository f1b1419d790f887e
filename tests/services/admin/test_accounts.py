"""What the audit knows of accounts, and what of it nobody may know."""

from dataclasses import asdict, replace

import pytest

from schema.errcode import AccountNotFound, AccountState, BackendUnavailable
from services.admin.biz import (
    AccountChange,
    AccountFilter,
    Accounts,
    AccountStatus,
    AccountType,
    BusinessAttributes,
    CreatorAttributes,
    Details,
    Gap,
    Grant,
    Grants,
    Merges,
    NewAccount,
    Overview,
    Part,
    StaffAttributes,
)
from tests.services.admin.fakes import BO, CHANGE, MERGE, SAM, House, activity, facts

SECRET = "long-enough-secret"
WHY = "asked"


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def accounts(house: House) -> Accounts:
    return Accounts(house.desk, house.accounts)


@pytest.fixture
def overview(house: House) -> Overview:
    return Overview(house.desk, house.accounts, house.permissions, house.activities, house.jobs)


@pytest.fixture
def grants(house: House) -> Grants:
    return Grants(house.desk, house.accounts, house.permissions)


@pytest.fixture
def merges(house: House) -> Merges:
    return Merges(house.desk, house.accounts, house.permissions, house.activities, house.jobs)


async def test_the_audit_of_a_new_account_knows_all_but_its_password(house: House, accounts: Accounts) -> None:
    new = NewAccount(AccountType.CREATOR, "new", "New", CreatorAttributes("art", True), SECRET)
    created = await accounts.create(SAM, new, f"  {WHY} ")
    assert (created.id, created.handle) == (77, "new")
    assert house.accounts.told == [("create", SAM, new, WHY)]
    audit = house.log.only()
    assert facts(audit.request) == {
        "handle": "new", "type": "CREATOR", "display_name": "New", "category": "art", "verified": True,
    }  # fmt: skip
    assert (audit.before, facts(audit.after)["handle"], audit.account_id) == ("", "new", 77)
    assert SECRET not in "".join(str(asdict(state)) for state in house.log.written)
    assert SECRET not in repr(new)


@pytest.mark.parametrize(
    ("own", "known"),
    [
        (BusinessAttributes("C", None, False), {"company_name": "C", "verified": False}),
        (StaffAttributes("support"), {"department": "support"}),
        (None, {}),
    ],
)
async def test_the_audit_knows_what_only_one_type_has(
    house: House, accounts: Accounts, own: BusinessAttributes | StaffAttributes | None, known: dict[str, object]
) -> None:
    await accounts.create(SAM, NewAccount(99, "new", "New", own, SECRET), WHY)
    assert facts(house.log.only().request) == {"handle": "new", "type": "99", "display_name": "New"} | known


async def test_a_change_is_written_down_with_what_was_and_what_is(house: House, accounts: Accounts) -> None:
    await accounts.change(SAM, 2, 3, AccountChange(bio="", verified=False), WHY)
    audit = house.log.only()
    before, after = facts(audit.before), facts(audit.after)
    assert facts(audit.request) == {"version": 3, "bio": "", "verified": False}
    assert {name for name in before if before[name] != after[name]} == {"version", "bio"}
    assert (before["bio"], after["bio"], before["version"], after["version"]) == ("words", "", 3, 4)


@pytest.mark.parametrize(("turn", "status"), [("close", "CLOSING"), ("suspend", "SUSPENDED"), ("reopen", "ACTIVE")])
async def test_a_turn_of_life_is_written_down_without_personal_data(
    house: House, accounts: Accounts, turn: str, status: str
) -> None:
    turned = await getattr(accounts, turn)(SAM, 2, WHY)
    assert turned.status == AccountStatus[status]
    audit = house.log.only()
    assert facts(audit.before) == {"status": "ACTIVE", "version": 3}
    assert facts(audit.after) == {"status": status, "version": 4}


async def test_an_account_that_there_is_not_is_not_changed(house: House, accounts: Accounts) -> None:
    with pytest.raises(AccountNotFound):
        await accounts.change(SAM, 9, 1, AccountChange(bio=""), WHY)
    with pytest.raises(AccountNotFound):
        await accounts.close(SAM, 9, WHY)
    assert house.accounts.told == []
    assert [audit.outcome for audit in house.log.kept.values()] == [4040100, 4040100]


async def test_the_audit_of_a_search_says_what_was_looked_for(house: House, accounts: Accounts) -> None:
    wanted = AccountFilter(5, ids=(2,), name_part="b", types=(3, 99), statuses=(3,), after_id=1)
    assert (await accounts.search(SAM, wanted)).items == [BO]
    assert facts(house.log.only().request) == {
        "ids": [2], "name_part": "b", "types": ["CREATOR", "99"], "statuses": ["CLOSED"], "after_id": 1,
    }  # fmt: skip


# All that hangs on an account.

WHOLE = Details(
    account=BO,
    birthday="1990-12-31",
    follow_counts=None,
    grants=[],
    activities=[activity(number) for number in (13, 12, 11)],
    changes=[CHANGE],
    merge=MERGE,
)
EMPTY = Details(BO)
PARTS = {
    Part.PRIVATE_ATTRIBUTES: ("accounts", "birthday", "birthday", "account"),
    Part.FOLLOW_COUNTS: ("activities", "follow_counts", "follow_counts", "activity"),
    Part.GRANTS: ("permissions", "grants", "grants", "permission"),
    Part.ACTIVITIES: ("activities", "search", "activities", "activity"),
    Part.CHANGES: ("jobs", "changes", "changes", "job"),
    Part.MERGE: ("jobs", "merge", "merge", "job"),
}


async def test_an_account_comes_with_all_that_hangs_on_it(house: House, overview: Overview) -> None:
    details = await overview.details(SAM, 2)
    assert replace(details, follow_counts=None) == replace(WHOLE, gaps=[], grants=[])
    assert (details.follow_counts and details.follow_counts.followers) == 5


@pytest.mark.parametrize("part", list(Part))
async def test_a_backend_that_is_down_costs_its_part(house: House, overview: Overview, part: Part) -> None:
    backend, question, field, name = PARTS[part]
    getattr(house, backend).failures[question] = BackendUnavailable(name)
    other = House()
    whole = await Overview(other.desk, other.accounts, other.permissions, other.activities, other.jobs).details(SAM, 2)
    details = await overview.details(SAM, 2)
    assert details.gaps == [Gap(part, name, 5030100)]
    assert getattr(details, field) == getattr(EMPTY, field)
    assert asdict(details) | {"gaps": [], field: None} == asdict(whole) | {field: None}


async def test_everything_down_but_the_account_still_shows_the_account(house: House, overview: Overview) -> None:
    for backend, question, _, name in PARTS.values():
        getattr(house, backend).failures[question] = BackendUnavailable(name)
    details = await overview.details(SAM, 2)
    assert (details.account, [gap.part for gap in details.gaps]) == (BO, list(Part))


async def test_activities_are_for_those_who_may_read_them(house: House, overview: Overview) -> None:
    house.permissions.given = frozenset({"admin.accounts.read"})
    details = await overview.details(SAM, 2)
    assert (details.withheld, details.activities, details.gaps) == ((Part.ACTIVITIES,), (), [])
    assert house.activities.pages == []


async def test_without_the_account_itself_there_is_no_answer(house: House, overview: Overview) -> None:
    house.accounts.failures["search"] = BackendUnavailable("account")
    with pytest.raises(BackendUnavailable):
        await overview.details(SAM, 2)


# Grants.


async def test_what_an_account_has_is_told_after_each_change(house: House, grants: Grants) -> None:
    house.permissions.held = [Grant("a.b", True), Grant("studio.use", False)]
    given = await grants.grant(SAM, 2, Grant("studio.use", True), WHY)
    assert given == (True, [Grant("a.b", True), Grant("studio.use", True)])
    taken = await grants.revoke(SAM, 2, "a.b", WHY)
    assert taken == (True, [Grant("studio.use", False)])
    granted, revoked = house.log.kept.values()
    assert (facts(granted.before), facts(granted.after)) == ({"effect": "DENY"}, {"effect": "ALLOW"})
    assert (facts(revoked.before), facts(revoked.after)) == ({"effect": "ALLOW"}, {"effect": "NONE"})


@pytest.mark.parametrize("status", [AccountStatus.CLOSED, AccountStatus.MERGED])
async def test_nothing_is_granted_to_an_account_whose_life_is_over(
    house: House, grants: Grants, status: AccountStatus
) -> None:
    house.accounts.known[2] = replace(BO, status=status)
    with pytest.raises(AccountState, match=f"the account is {status.name}"):
        await grants.grant(SAM, 2, Grant("studio.use", True), WHY)
    assert house.changes == []
    assert (await grants.revoke(SAM, 2, "studio.use", WHY))[0] is False


async def test_nothing_is_granted_to_nobody(house: House, grants: Grants) -> None:
    with pytest.raises(AccountNotFound):
        await grants.grant(SAM, 9, Grant("studio.use", True), WHY)
    with pytest.raises(AccountNotFound):
        await grants.revoke(SAM, 9, "studio.use", WHY)
    assert house.changes == []


# Merges.


async def test_a_dry_run_says_all_that_would_move_and_changes_nothing(house: House, merges: Merges) -> None:
    house.permissions.held = [Grant("a.b", True)]
    check = await merges.check(SAM, 2, 3)
    moves = {amount.what: amount.count for amount in check.moves}
    assert (check.refusal, moves) == (
        "", {"sessions": 2, "following": 6, "followers": 5, "activities": 3, "grants": 1},
    )  # fmt: skip
    assert (await merges.check(SAM, 2, 2)).refusal == "the two are one"
    assert house.changes == []


@pytest.mark.parametrize(
    ("backend", "question"), [("accounts", "check_merge"), ("activities", "amounts"), ("permissions", "grants")]
)
async def test_a_dry_run_that_cannot_tell_everything_fails(
    house: House, merges: Merges, backend: str, question: str
) -> None:
    getattr(house, backend).failures[question] = BackendUnavailable(backend)
    with pytest.raises(BackendUnavailable, match=backend):
        await merges.check(SAM, 2, 3)
    assert house.log.only().outcome == 5030100


async def test_a_merge_is_written_down_with_where_both_were(house: House, merges: Merges) -> None:
    assert (await merges.start(SAM, 2, 3, WHY)).status == AccountStatus.SUSPENDED
    audit = house.log.only()
    assert facts(audit.before) == {
        "source": {"status": "ACTIVE", "version": 3},
        "target": {"status": "ACTIVE", "version": 1},
    }
    assert facts(audit.after) == {"source": {"status": "SUSPENDED", "version": 4}}
    assert facts(audit.request) == {"target_id": 3}


async def test_progress_is_told_until_there_is_none(house: House, merges: Merges) -> None:
    assert (await merges.progress(SAM, 2), await merges.progress(SAM, 3)) == (MERGE, None)


async def test_a_failed_merge_is_taken_up_again(house: House, merges: Merges) -> None:
    assert (await merges.retry(SAM, 2, WHY)).state == 1
    assert facts(house.log.only().before) == {"problem": "stuck"}
