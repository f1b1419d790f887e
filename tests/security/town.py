"""A centre with people of every kind, each with something private, and all that is private marked."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from gateway.rates.quotas import Rates
from tests.conftest import HandClock
from tests.scenario.centre import Centre, open_centre
from tests.scenario.visitor import CLOSE, JSON, REOPEN, Visitor
from tests.scenario.waiting import eventually
from tests.security.marks import Mark, Person, birthdays_of, closing_reason, granting_reason, marks_of, secret_text
from tests.security.stores import kept
from tests.security.ways import variables_in

Done = TypeVar("Done")
PASSWORD = "atrium-demo"
ROOMY = {
    "rates": Rates(sign_ins_address="off", sign_ins_handle="off"),
    **dict.fromkeys(("operation_fields", "operation_repeats", "operation_cost", "operation_bytes"), 1_000_000),
    **dict.fromkeys(("operation_tokens", "operation_aliases", "operation_fragments", "body_bytes"), 1_000_000),
    "operation_depth": 50,
}
"""Limits that are not in the way: they are for other tests."""
DESK = (
    "admin.accounts.read",
    "admin.accounts.write",
    "admin.accounts.close",
    "admin.activities.read",
    "admin.permissions.grant",
)
PEOPLE = (
    Person("ada", 1),
    Person("bo", 2),
    Person("corp", 3),
    Person("sam", 4, is_staff=True, may_use_the_desk=True),
    Person("harbor_000", 5),
    Person("juniper_000", 6),
    Person("lark_000", 7),
    Person("opal_000", 10),
    Person("moss_000", 33, is_staff=True),
)
"""Two of each type; number 6 was given the permissions of the desk and is no staff, number 33 is staff without them."""
GUEST = Person("")
GONE, GONE_HANDLE = "acc_8", "meadow_000"
"""Of whom nothing is left."""
PURCHASE = (
    "mutation ($kind: ActivityKind!, $text: String!) { publishActivity(input: {kind: $kind, text: $text}) { id } }"
)
GRANT = """mutation ($id: ID!, $name: String!, $allow: Boolean!, $reason: String!) {
  adminGrantPermission(accountId: $id, permission: $name, allow: $allow, reason: $reason) { changed } }"""
SECRET_KINDS = ("PURCHASE", "SIGN_IN")


@dataclass(frozen=True)
class Town:
    """The centre, and who lives there."""

    centre: Centre
    folder: Path
    """Where the stores are."""
    people: tuple[Person, ...]
    marks: list[Mark]
    birthdays: dict[int, str]
    secrets: dict[int, str]
    """Id of an activity of each that is not for others."""

    @property
    def visitor(self) -> Visitor:
        return self.centre.visitor

    @property
    def viewers(self) -> tuple[Person, ...]:
        """Everybody who asks, a guest too."""
        return (GUEST, *self.people)

    def person(self, account_id: int) -> Person:
        return next(one for one in self.viewers if one.account_id == account_id)

    async def tell(self, person: Person, text: str, **words: Any) -> JSON:
        """The whole answer to a document, which is given those of the words that it has variables for."""
        known = {"own": person.id, **words}
        return await self.visitor.ask(text, person.token, **{name: known[name] for name in variables_in(text)})


@asynccontextmanager
async def open_town(folder: Path, clock: HandClock) -> AsyncIterator[Town]:
    """Everybody is signed in and has bought something, wanted to leave, and was granted something."""
    async with open_centre(folder, clock, keeping=True, **ROOMY) as centre:
        visitor = centre.visitor
        await _close_for_good(centre, clock)
        people = await _together([_signed_in(visitor, one) for one in PEOPLE])
        sam = next(one for one in people if one.may_use_the_desk)
        done = await _together([_live(visitor, one) for one in people])
        secrets = {one.account_id: activity for one, activity in zip(people, done, strict=True)}
        for person, name, allow in _grants(people):
            reason = granting_reason(person.account_id)
            await visitor.data(GRANT, sam.token, id=person.id, name=name, allow=allow, reason=reason)
        await eventually(lambda: _histories(visitor, sam, people), len(people))
        stored = kept(folder)
        marks = marks_of(people, stored, SECRET_KINDS)
        yield Town(centre, folder, tuple(people), marks, birthdays_of(stored), secrets)


async def _close_for_good(centre: Centre, clock: HandClock) -> None:
    token = await centre.visitor.sign_in(GONE_HANDLE, PASSWORD)
    await centre.visitor.data(CLOSE, token)
    clock.advance(days=8)
    await centre.run("end-closures")


def _grants(people: list[Person]) -> Iterator[tuple[Person, str, bool]]:
    for person in people:
        yield person, "api_keys.manage", True
    for name in DESK:
        yield next(one for one in people if one.account_id == 6), name, True
        yield next(one for one in people if one.account_id == 33), name, False


async def _together(waiting: Sequence[Coroutine[Any, Any, Done]]) -> list[Done]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in waiting]
    return [task.result() for task in tasks]


async def _signed_in(visitor: Visitor, person: Person) -> Person:
    return replace(person, token=await visitor.sign_in(person.handle, PASSWORD))


async def _live(visitor: Visitor, person: Person) -> str:
    """What somebody does that is nobody else's business; the id of the last of it."""
    done = {}
    for kind in SECRET_KINDS:
        done = await visitor.data(PURCHASE, person.token, kind=kind, text=secret_text(person.account_id, kind))
    await visitor.data(CLOSE.replace("moving on", closing_reason(person.account_id)), person.token)
    await visitor.data(REOPEN, person.token)
    return str(done["publishActivity"]["id"])


async def _histories(visitor: Visitor, sam: Person, people: list[Person]) -> int:
    """Of how many the reason has arrived where the desk finds it."""
    told = [json.dumps(await visitor.history(sam.token, one.id)) for one in people]
    return sum(granting_reason(one.account_id) in text for one, text in zip(people, told, strict=True))
