"""Demo accounts: four well-known ones and as many others as wanted. Same size and same day, same rows."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from itertools import islice
from random import Random
from typing import Any

from argon2.low_level import Type, hash_secret
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from services.account.biz import (
    Account,
    AccountStatus,
    AccountType,
    Attributes,
    BusinessAttributes,
    CreatorAttributes,
    PersonalAttributes,
    StaffAttributes,
)
from services.account.data import account_table, credential_table, team_table, to_row
from services.account.data.passwords import MEMORY_KIB, PARALLELISM, TIME_COST
from services.runtime.backend import Demo, Resources

SEED = 20260101
PASSWORD = "atrium-demo"  # noqa: S105 - everybody may know it
ADA, BO, CORP, SAM = 1, 2, 3, 4
NAMED = SAM
CORP_TEAM = (8, 10, 11, 14, 20, 26)
CLOSING_IN_DAYS = {50: 9, 51: 3, 52: 21}
"""The accounts in their cooling-off period, and how many days of it are left."""
YOUNGEST, OLDEST = timedelta(days=90), timedelta(days=1500)
CHUNK_ROWS = 5000

Row = Mapping[str, Any]

_HANDLES = (
    *("wren", "otter", "maple", "comet", "fable", "harbor", "juniper", "lark", "meadow", "nimbus"),
    *("opal", "pebble", "quill", "river", "sparrow", "tundra", "umber", "violet", "willow", "yarrow"),
    *("zephyr", "aster", "birch", "cedar", "drift", "ember", "fjord", "glade", "heron", "iris"),
    *("jasper", "kite", "lotus", "moss", "north", "olive", "pine", "quartz", "reed", "sage"),
    *("thistle", "ursa", "vale", "wisp"),
)
_FIRST_NAMES = (
    *("Amara", "Bela", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hana", "Ines", "Jonas", "Kaori", "Liam"),
    *("Mina", "Noor", "Otto", "Priya", "Quentin", "Rosa", "Sven", "Tomas", "Uma", "Victor", "Wanda", "Yusuf"),
)
_LAST_NAMES = (
    *("Abbot", "Brandt", "Costa", "Duarte", "Eriksen", "Fontaine", "Garcia", "Haas", "Ito", "Jansen", "Kovacs"),
    *("Lindgren", "Moreau", "Novak", "Okafor", "Petrov", "Quist", "Rossi", "Sato", "Tanaka", "Ueda", "Vogel", "Weiss"),
)
_BIOS = (
    "Collects old maps and new friends.",
    "Bakes on Sundays, runs on Mondays.",
    "Mostly here for the photographs.",
    "Learning the cello, slowly.",
    "Tea before opinions.",
    "Walks the long way home.",
    "Repairs bicycles that others gave up on.",
)
_CATEGORIES = ("Travel", "Cooking", "Music", "Woodwork", "Photography", "Games", "Gardening")
_INDUSTRIES = ("Printing", "Logistics", "Furniture", "Software", "Food", "Textiles")
_COMPANY_WORDS = ("Works", "Supply", "Partners", "Foundry", "Collective", "Brothers")
_DEPARTMENTS = ("Support", "Trust and Safety", "Finance", "Engineering", "Legal")


def count_demo(demo: Demo) -> int:
    """How many rows `load_demo` will report."""
    return 2 * demo.accounts + sum(len(team_of(business, demo.accounts)) for business in businesses(demo.accounts))


async def load_demo(resources: Resources, demo: Demo) -> None:
    """Fills the empty tables, all or nothing; never holds more than a chunk of rows."""
    today = resources.clock().replace(hour=0, minute=0, second=0, microsecond=0)
    password_hash = await asyncio.to_thread(shared_hash)
    ids = range(1, demo.accounts + 1)
    async with resources.database.transaction() as session:
        loading = _Loading(await session.connection(), demo)
        await loading.insert(account_table, (to_row(account_of(id_, demo.accounts, today)) for id_ in ids))
        await loading.insert(credential_table, ({"account_id": id_, "password_hash": password_hash} for id_ in ids))
        await loading.insert(team_table, _team_rows(demo.accounts, today))


class _Loading:
    """A connection within the one transaction, and who wants to know how far it is."""

    def __init__(self, connection: AsyncConnection, demo: Demo) -> None:
        self._connection = connection
        self._demo = demo

    async def insert(self, table: Table, rows: Iterator[Row]) -> None:
        while chunk := list(islice(rows, CHUNK_ROWS)):
            await self._connection.execute(table.insert(), chunk)
            self._demo.report(len(chunk))


@cache
def shared_hash() -> str:
    """Hash of the one password; its salt is fixed, since the same rows must come out each time."""
    secret, salt = PASSWORD.encode(), b"atrium-demo-salt"
    return hash_secret(secret, salt, TIME_COST, MEMORY_KIB, PARALLELISM, hash_len=32, type=Type.ID).decode()


def type_of(account_id: int) -> AccountType:
    """What kind of account has this id."""
    if account_id in _NAMED_TYPES:
        return _NAMED_TYPES[account_id]
    if account_id % 10 == 0:
        return AccountType.CREATOR
    if account_id % 25 == 7:
        return AccountType.BUSINESS
    return AccountType.STAFF if account_id % 100 == 33 else AccountType.PERSONAL


def businesses(accounts: int) -> Iterator[int]:
    """Ids of the business accounts."""
    return (account_id for account_id in range(1, accounts + 1) if type_of(account_id) is AccountType.BUSINESS)


def team_of(business_id: int, accounts: int) -> list[int]:
    """Ids of those who work for the business, in order of joining."""
    others = range(NAMED + 1, accounts + 1)
    rng = _random_of(business_id)
    drawn = CORP_TEAM if business_id == CORP else rng.sample(others, min(rng.randint(3, 7), len(others)))
    return [member for member in drawn if member in others and type_of(member) is not AccountType.BUSINESS]


def account_of(account_id: int, accounts: int, today: datetime) -> Account:
    """The account with this id among so many; lower ids are older."""
    days_left = CLOSING_IN_DAYS.get(account_id)
    handle, name, bio, attributes = _NAMED_PROFILES.get(account_id) or _profile_of(account_id)
    return Account(
        id=account_id,
        type=type_of(account_id),
        status=AccountStatus.ACTIVE if days_left is None else AccountStatus.CLOSING,
        version=1,
        handle=handle,
        display_name=name,
        avatar_url=None if account_id % 6 == 5 else f"https://cdn.atrium.example/avatars/{account_id}.png",
        bio=bio,
        created_at=today - YOUNGEST - (OLDEST - YOUNGEST) * (1 - account_id / accounts),
        closes_at=None if days_left is None else today + timedelta(days=days_left),
        attributes=attributes,
    )


def _team_rows(accounts: int, today: datetime) -> Iterator[Row]:
    for business in businesses(accounts):
        for place, member in enumerate(team_of(business, accounts)):
            joined_at = today - YOUNGEST + timedelta(days=place)
            yield {"business_id": business, "member_id": member, "joined_at": joined_at}


Profile = tuple[str, str, str | None, Attributes]
"""Handle, display name, bio, attributes."""


def _profile_of(account_id: int) -> Profile:
    number, word = divmod(account_id, len(_HANDLES))
    rng = _random_of(account_id)
    person = f"{rng.choice(_FIRST_NAMES)} {rng.choice(_LAST_NAMES)}"
    bio = rng.choice(_BIOS) if rng.random() < 0.7 else None
    attributes = _ATTRIBUTE_MAKERS[type_of(account_id)](rng)
    name = attributes.company_name if isinstance(attributes, BusinessAttributes) else person
    return f"{_HANDLES[word]}_{number:03d}", name, bio, attributes


def _personal(rng: Random) -> Attributes:
    return PersonalAttributes(birthday=date(1950, 1, 1) + timedelta(days=rng.randrange(20_000)))


def _creator(rng: Random) -> Attributes:
    return CreatorAttributes(category=rng.choice(_CATEGORIES), verified=rng.random() < 0.4)


def _business(rng: Random) -> Attributes:
    company = f"{rng.choice(_LAST_NAMES)} {rng.choice(_COMPANY_WORDS)}"
    return BusinessAttributes(company_name=company, industry=rng.choice(_INDUSTRIES), verified=rng.random() < 0.6)


def _staff(rng: Random) -> Attributes:
    return StaffAttributes(department=rng.choice(_DEPARTMENTS))


_ATTRIBUTE_MAKERS = {
    AccountType.PERSONAL: _personal,
    AccountType.CREATOR: _creator,
    AccountType.BUSINESS: _business,
    AccountType.STAFF: _staff,
}
_NAMED_TYPES = {
    ADA: AccountType.PERSONAL,
    BO: AccountType.CREATOR,
    CORP: AccountType.BUSINESS,
    SAM: AccountType.STAFF,
}
_NAMED_PROFILES: dict[int, Profile] = {
    ADA: (
        "ada",
        "Ada Nightingale",
        "Reads on night trains, writes on paper, forgets both on benches.",
        PersonalAttributes(birthday=date(1990, 12, 10)),
    ),
    BO: (
        "bo",
        "Bo Lindqvist",
        "Short films about slow things: sourdough, tide pools, the last ferry.",
        CreatorAttributes(category="Short films", verified=True),
    ),
    CORP: (
        "corp",
        "Northwind Print",
        "Posters, books and business cards since 1987. Ask us for paper samples.",
        BusinessAttributes(company_name="Northwind Print & Paper Ltd", industry="Printing", verified=True),
    ),
    SAM: (
        "sam",
        "Sam Okonkwo",
        "Looks after the account centre. Write to me when something is odd.",
        StaffAttributes(department="Account Care"),
    ),
}


def _random_of(account_id: int) -> Random:
    return Random(SEED * 1_000_003 + account_id)  # noqa: S311 - the same accounts each time
