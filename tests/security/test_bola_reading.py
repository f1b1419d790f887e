"""Nobody is told what is another's: everything the schema has, asked by everybody, of everybody, in every way."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest

from schema.graphql.schema import create_schema
from tests.gateway.push.client import Subscriber, connected
from tests.scenario.visitor import FOLLOW, JSON, PUBLISH, RENAME
from tests.scenario.waiting import eventually
from tests.security.marks import Person, leaks, owner_and_staff, secret_text, the_desk
from tests.security.rows import Seen, reached, rows
from tests.security.selections import asked, fields_of
from tests.security.town import GONE, GONE_HANDLE, GUEST, PURCHASE, SECRET_KINDS, Town
from tests.security.ways import DESK_FIELDS, DOORS, ROOTS, Ways

pytestmark = pytest.mark.asyncio(loop_scope="package")

SCHEMA = create_schema()._schema
WAYS = Ways(SCHEMA)
MISSING = "acc_999999"
RESUMED = "subscription ($seen: ID!) { feedActivityAdded(lastSeenId: $seen) { id text } }"
VERSION = "{ viewer { account { version } } }"
TARGETS = (1, 5, 2, 7, 33)
"""Of each type one, and another where that makes a difference; some are their own to those who ask."""


async def told(town: Town, text: str, **words: Any) -> Mapping[Person, JSON]:
    """What everybody is told who asks this in the same moment, so that their questions share calls: without leaks.

    Each asks about themselves unless there is an `id`.
    """
    async with asyncio.TaskGroup() as group:
        asking = {one: group.create_task(town.tell(one, text, **{"id": one.id} | words)) for one in town.viewers}
    answers = {person: task.result() for person, task in asking.items()}
    assert {one: found for one, answer in answers.items() if (found := leaks(town.marks, one, answer))} == {}
    return answers


def birthdays(told: Any) -> set[str | None]:
    """Every birthday in an answer, which is left without."""
    if isinstance(told, list):
        return {day for one in told for day in birthdays(one)}
    if not isinstance(told, dict):
        return set()
    own = {told.pop("birthday")} if "birthday" in told else set()
    return own | {day for one in told.values() for day in birthdays(one)}


def failures(answer: JSON) -> list[tuple[int, str]]:
    return [(error["extensions"]["code"], error["message"]) for error in answer.get("errors", [])]


async def test_every_field_says_who_may_see_it_and_is_asked() -> None:
    assert sorted(rows()) == sorted(name for name, _ in fields_of(SCHEMA))
    assert {name for text in WAYS.documents() for name in asked(SCHEMA, text)} == set(rows())


@pytest.mark.parametrize("seen", [seen for seen in Seen if seen.doors])
async def test_what_is_not_for_anybody_is_reached_through_its_door_alone(seen: Seen) -> None:
    behind = {name for name, who in rows().items() if who is seen} - seen.doors
    assert behind <= reached(SCHEMA, frozenset())
    assert behind & reached(SCHEMA, seen.doors) == set()


@pytest.mark.parametrize("way", ROOTS)
async def test_an_account_is_the_same_to_everybody_but_for_its_birthday(town: Town, way: str) -> None:
    text = WAYS.account[way]
    for target in map(town.person, TARGETS):
        answers = await told(town, text, id=target.id, handle=target.handle)
        for person, answer in answers.items():
            shown = {day for one, day in town.birthdays.items() if f'"acc_{one}"' in json.dumps(answer)}
            allowed = shown if person.is_staff else {town.birthdays.get(person.account_id)}
            assert birthdays(answer) - {None} == shown & allowed
        assert all(answer == answers[GUEST] for answer in answers.values())
        assert f'"{target.id}"' in json.dumps(answers[GUEST])


async def test_what_somebody_bought_is_told_to_nobody_but_staff_and_is_not_even_there(town: Town) -> None:
    text = WAYS.account["as a node"]
    missing = await told(town, text, id="act_999999999")
    for target in map(town.person, TARGETS):
        activity = town.secrets[target.account_id]
        for person, answer in (await told(town, text, id=activity)).items():
            if owner_and_staff(person, target.account_id):
                assert answer["data"]["node"]["text"] == secret_text(target.account_id, SECRET_KINDS[-1])
            else:
                assert failures(answer) == [(4040200, f"there is no activity {activity}")]
                assert failures(missing[person]) == [(4040200, "there is no activity act_999999999")]


async def test_an_account_that_is_gone_was_never_there(town: Town) -> None:
    for way in ("by id", "as a node", "by fragments", "in a list"):
        closed = await told(town, WAYS.account[way], id=GONE)
        missing = await told(town, WAYS.account[way], id=MISSING)
        for person, answer in closed.items():
            assert json.dumps(answer["data"]) == json.dumps(missing[person]["data"])
            assert failures(answer) == [(code, text.replace(MISSING, GONE)) for code, text in failures(missing[person])]
    for handle in (GONE_HANDLE, GONE.replace("acc", "closed")):
        for answer in (await told(town, WAYS.account["by handle"], handle=handle)).values():
            assert failures(answer) == [(4040100, f"there is no account {handle}")]


async def test_a_home_page_is_of_whoever_asks(town: Town) -> None:
    for _from_stores_then_caches in range(2):
        answers = await told(town, WAYS.home)
        for person, answer in answers.items():
            assert list(answer) == ["data"], answer
            seen = answer["data"]["viewer"]
            assert (seen["account"] or {}).get("id", "acc_0") == person.id
            assert birthdays(seen["account"]) <= {None, town.birthdays.get(person.account_id)}
    creator = answers[town.person(2)]["data"]["viewer"]["home"]["ownActivities"]["edges"]
    assert {edge["node"]["author"]["id"] for edge in creator} == {"acc_2"}
    assert secret_text(2, SECRET_KINDS[0]) in json.dumps(creator)
    assert answers[town.person(33)]["data"]["viewer"]["home"]["pendingClosures"] != []


@pytest.mark.parametrize("name", DESK_FIELDS)
async def test_the_desk_shows_nothing_to_whoever_may_not_use_it(town: Town, name: str) -> None:
    refused: dict[Person, str] = {}
    for target in ({}, {"id": town.person(5).id}, {"id": MISSING}):
        for person, answer in (await told(town, WAYS.desk[name], **target)).items():
            if not person.may_use_the_desk:
                assert [code for code, _ in failures(answer)] == [4030100]
                assert (answer["data"] or {}).get("admin", {}) in ({}, None, {name: None})
                assert refused.setdefault(person, answer["errors"][0]["message"]) == answer["errors"][0]["message"]


async def test_whoever_may_use_the_desk_sees_what_is_marked(town: Town) -> None:
    sam = town.person(4)
    for target in (1, 2, 3):
        answers = [await town.tell(sam, text, id=f"acc_{target}") for text in WAYS.desk.values()]
        shown = json.dumps(answers, ensure_ascii=False)
        found = [mark for mark in town.marks if mark.owner == target and mark.text in shown]
        assert {mark.sees for mark in found} == {owner_and_staff, the_desk}
        assert len(found) == 4 + (target in town.birthdays)
        assert leaks(town.marks, sam, shown) == []


@pytest.mark.parametrize("door", DOORS)
async def test_other_doors_show_what_a_post_shows(town: Town, door: str) -> None:
    for person in town.viewers:
        for text in (
            WAYS.account["by id"].replace("$id: ID!", '$id: ID! = "acc_1"'),
            '{ viewer { account { id } can(permission: "x") } }',
        ):
            posted = await town.tell(person, text, id="acc_1")
            other = await DOORS[door](town.centre.address, text, person.token)
            assert other["data"] == posted["data"]


async def subscribe(town: Town, subscriber: Subscriber, person: Person) -> None:
    """Waits for what happens to the person, and to whom they follow."""
    await subscriber.introduce(person.token or None)
    await subscriber.subscribe("feed", WAYS.feed)
    await subscriber.subscribe("changes", WAYS.changes)


async def test_subscribers_hear_of_themselves_and_of_what_is_for_everybody(town: Town) -> None:
    author = town.person(10)
    others = [one for one in town.people if one is not author]
    async with AsyncExitStack() as closing:
        heard = {one: await closing.enter_async_context(connected(town.centre.address)) for one in others}
        for person, subscriber in heard.items():
            await town.visitor.data(FOLLOW, person.token, id=author.id)
            await subscribe(town, subscriber, person)
        await eventually(town.visitor.subscriptions, 2 * len(others))
        for kind in SECRET_KINDS:
            await town.visitor.data(PURCHASE, author.token, kind=kind, text=secret_text(10, kind))
        await town.visitor.data(PUBLISH, author.token, text="for everybody")
        for person in others:
            version = (await town.visitor.data(VERSION, person.token))["viewer"]["account"]["version"]
            await town.visitor.data(RENAME, person.token, version=version, name=f"still {person.handle}")
        for person, subscriber in heard.items():
            messages = {
                message["id"]: message["payload"]["data"] for message in [await subscriber.receive() for _ in "12"]
            }
            assert leaks(town.marks, person, messages) == []
            assert messages["feed"]["feedActivityAdded"]["text"] == "for everybody"
            assert messages["changes"]["accountChanged"]["displayName"] == f"still {person.handle}"
    await eventually(town.visitor.subscriptions, 0)


async def test_nobody_subscribes_who_is_not_signed_in(town: Town) -> None:
    async with connected(town.centre.address) as subscriber:
        await subscribe(town, subscriber, GUEST)
        assert [await subscriber.code(), await subscriber.code()] == [4010100, 4010100]


async def test_resuming_after_a_secret_activity_does_not_tell_that_there_is_one(town: Town) -> None:
    me, author = town.person(1), town.person(10)
    await town.visitor.data(FOLLOW, me.token, id=author.id)
    secret = town.secrets[author.account_id]
    first = []
    for seen in (secret, f"act_{int(secret.removeprefix('act_')) + 1}"):
        async with connected(town.centre.address) as subscriber:
            await subscriber.introduce(me.token)
            await subscriber.subscribe("1", RESUMED, seen=seen)
            await town.visitor.data(PUBLISH, author.token, text="and another")
            first.append((await subscriber.data())["feedActivityAdded"])
    assert first[0] == first[1]
