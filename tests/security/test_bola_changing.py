"""Nobody changes what is another's: every mutation, by everybody, on everybody; what is refused changes nothing."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest
from graphql import get_named_type

from schema.graphql.schema import create_schema
from tests.scenario.visitor import JSON
from tests.security.marks import Person, leaks
from tests.security.rows import MUTATIONS, Whose
from tests.security.stores import Row, changed, kept
from tests.security.town import GONE, GONE_HANDLE, GUEST, PASSWORD, Town
from tests.security.ways import Ways

pytestmark = pytest.mark.asyncio(loop_scope="package")

SCHEMA = create_schema()._schema
WAYS = Ways(SCHEMA)
MISSING = "acc_999999"
LAST = ("unfollow", "follow", "signOut")
"""So that following changes something, and whoever signs out has nothing left to do."""
OTHER = "acc_12"
"""Of whom nobody asks."""
NAMED_BY_AN_ID = {"follow": ["accountId"], "unfollow": ["accountId"]}
"""Of the mutations of one's own things, those that name somebody else's: only whom to follow."""
FOLLOW_COUNTS = "activity_account"
"""Who is followed is counted, too."""
OWNERS = {
    "account": "id",
    "account_session": "account_id",
    "account_outbox": "account_id",
    "activity": "author_id",
    "activity_follow": "follower_id",
    "activity_outbox": "account_id",
}
"""Which column says whose a row is."""


def failure(answer: JSON) -> tuple[int, str]:
    [error] = answer["errors"]
    return error["extensions"]["code"], error["message"]


def named(whose: Whose) -> list[str]:
    return [name for name, one in MUTATIONS.items() if one is whose]


async def change(town: Town, person: Person, name: str, target: str, **words: object) -> JSON:
    """What somebody is told who tries; nothing that is not for them."""
    usual = {"id": target, "handle": "ada", "password": PASSWORD, "version": 1}
    answer = await town.tell(person, WAYS.mutations[name], **usual | words)
    assert leaks(town.marks, replace(person, token=""), answer) == []
    return answer


async def refusals(town: Town, people: Iterable[Person], name: str, target: str) -> list[tuple[int, str]]:
    """What they are told who try at once; `<own>` is each one's own account."""
    async with asyncio.TaskGroup() as group:
        targets = {one: target.replace("<own>", one.id) for one in people}
        trying = [group.create_task(change(town, one, name, found)) for one, found in targets.items()]
    return [failure(task.result()) for task in trying]


def attempts(town: Town) -> Counter[str]:
    """How often each tried what they may not, by the audit of the desk."""
    refused = [row["actor_id"] for row in kept(town.folder, ["admin"])["admin_audit"] if row["outcome"] == 4030100]
    return Counter(town.person(account_id).handle for account_id in refused)


def owners(rows: dict[str, list[Row]]) -> set[object]:
    """Whose rows these are."""
    return {row[OWNERS[table]] for table, ones in rows.items() if table != FOLLOW_COUNTS for row in ones}


async def test_every_mutation_says_whose_things_it_changes() -> None:
    assert SCHEMA.mutation_type
    fields = SCHEMA.mutation_type.fields
    assert sorted(MUTATIONS) == sorted(fields)
    for name in named(Whose.OWN):
        ids = [one for one, argument in fields[name].args.items() if get_named_type(argument.type).name == "ID"]
        assert ids == NAMED_BY_AN_ID.get(name, [])


async def test_the_desk_changes_nothing_for_whoever_may_not_use_it(town: Town) -> None:
    before, tried = kept(town.folder), attempts(town)
    strangers = [one for one in town.viewers if not one.may_use_the_desk]
    targets = ("<own>", OTHER, MISSING)
    for name in named(Whose.ANYBODYS):
        told = [await refusals(town, strangers, name, target) for target in targets]
        assert {code for refused in told for code, _ in refused} == {4030100}
        assert all(refused == told[0] for refused in told)
    assert changed(before, kept(town.folder)) == {}
    each = len(named(Whose.ANYBODYS)) * len(targets)
    assert attempts(town) - tried == {one.handle: each for one in town.people if not one.may_use_the_desk}


async def test_a_guest_changes_nothing(town: Town) -> None:
    before = kept(town.folder)
    for name in named(Whose.OWN):
        answer = await change(town, GUEST, name, OTHER)
        assert answer == {"data": {"signOut": False}} if name == "signOut" else failure(answer)[0] == 4010100
    assert changed(before, kept(town.folder)) == {}


async def test_what_somebody_changes_is_their_own(town: Town) -> None:
    for person in town.people:
        token = await town.visitor.sign_in(person.handle, PASSWORD)
        before = kept(town.folder)
        profile = await town.tell(person, "{ viewer { account { version } } }")
        version = profile["data"]["viewer"]["account"]["version"]
        for name in sorted(named(Whose.OWN), key=lambda one: one in LAST and 1 + LAST.index(one)):
            answer = await change(town, replace(person, token=token), name, OTHER, version=version)
            assert list(answer) == ["data"], answer
        different = changed(before, kept(town.folder))
        assert owners(different) == {person.account_id}
        assert {row["account_id"] for row in different.get(FOLLOW_COUNTS, [])} <= {person.account_id, int(OTHER[4:])}
        assert set(different) >= {"account", "account_session", "activity", "activity_outbox"}


async def test_whom_to_follow_does_not_tell_who_is_gone(town: Town) -> None:
    for name in NAMED_BY_AN_ID:
        assert {code for code, _ in await refusals(town, town.people, name, "<own>")} == {4000100}
        for target in (GONE, MISSING):
            told = await refusals(town, town.people, name, target)
            assert set(told) == {(4040100, f"there is no account {target}")}


async def test_signing_in_does_not_tell_who_is_there(town: Town) -> None:
    before = kept(town.folder)
    for handle in ("ada", GONE_HANDLE, "closed_8", "nobody", "no handle"):
        refused = failure(await change(town, GUEST, "signIn", "", handle=handle, password="guessed"))
        assert refused == (4010300, "wrong handle or password")
    assert changed(before, kept(town.folder)) == {}


async def test_whoever_may_use_the_desk_is_refused_nothing(town: Town) -> None:
    for name in named(Whose.ANYBODYS):
        answer = await change(town, town.person(4), name, OTHER, handle="somebody")
        assert 4030100 not in [error["extensions"]["code"] for error in answer.get("errors", [])], answer
