"""Demo data: a month of activities, and who follows whom. The same size on the same day makes the same rows."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice, product
from random import Random
from typing import Any

from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from services.activity.biz import Kind
from services.activity.data import ACCOUNT, ACTIVITY, FOLLOW
from services.runtime.backend import Demo, Resources

SEED = 20260101
ACTIVITIES_EACH = 25
FOLLOWS_EACH = 12
NAMED_ACCOUNTS = 4
"""Accounts 1 to this are the ones that people sign in as: every eighth account follows each of them."""
ACTIVITY_SPAN = timedelta(days=30)
FOLLOW_SPAN = timedelta(days=60)
CHUNK_ROWS = 5000

Row = Mapping[str, Any]

# 12 of them and a step of 5 through them: everybody does everything, in another order.
_KINDS = (
    *(Kind.POST, Kind.LIKE, Kind.VIDEO, Kind.POST, Kind.FOLLOW, Kind.SIGN_IN),
    *(Kind.POST, Kind.LIKE, Kind.PURCHASE, Kind.POST, Kind.VIDEO, Kind.LIKE),
)
_KIND_STEP = 5
_SENTENCES = {
    Kind.POST: (
        "Spent the weekend on {}; it took longer than planned and was worth it.",
        "Three things I learned about {} this month.",
        "Does anybody else keep notes on {}? Mine fill a drawer by now.",
        "A short guide to {}, for those who asked.",
        "Changed my mind about {} today.",
    ),
    Kind.VIDEO: (
        "New video: {} from start to finish, in nine minutes.",
        "Filmed a slow morning of {}.",
        "Part two of the series on {} is up.",
    ),
    Kind.LIKE: (
        "Liked a post about {}.",
        "Liked a video on {}.",
        "Liked a photo story about {}.",
    ),
    Kind.FOLLOW: (
        "Started to follow somebody who writes about {}.",
        "Started to follow a studio for {}.",
    ),
    Kind.PURCHASE: (
        "Bought a beginner's set for {}.",
        "Bought a book on {}.",
    ),
    Kind.SIGN_IN: (
        "Signed in from a phone.",
        "Signed in from a laptop.",
        "Signed in from a tablet at home.",
    ),
}
_SUBJECTS = (
    "sourdough bread",
    "night trains",
    "pinhole cameras",
    "rooftop gardens",
    "old synthesizers",
    "bird song",
    "bicycle repair",
    "letterpress printing",
    "tide pools",
    "wooden boats",
    "city maps",
    "mountain huts",
    "street chess",
    "fermented tea",
    "paper kites",
    "radio plays",
    "desert plants",
    "winter swimming",
    "typefaces",
    "home weaving",
)
_TEXTS = {
    kind: tuple(dict.fromkeys(sentence.format(subject) for sentence, subject in product(sentences, _SUBJECTS)))
    for kind, sentences in _SENTENCES.items()
}


def count_demo(demo: Demo) -> int:
    """How many rows `load_demo` will report."""
    return demo.accounts * (ACTIVITIES_EACH + _follows_each(demo.accounts) + 1)


async def load_demo(resources: Resources, demo: Demo) -> None:
    """Fills the empty tables, all or nothing; never holds more than a chunk of rows."""
    now = resources.clock().replace(hour=0, minute=0, second=0, microsecond=0)
    followers = array("l", bytes(array("l").itemsize * (demo.accounts + 1)))
    async with resources.database.transaction() as session:
        loading = _Loading(await session.connection(), demo)
        await loading.insert(ACTIVITY, _activities(demo.accounts, now))
        await loading.insert(FOLLOW, _follows(demo.accounts, now, followers))
        await loading.insert(ACCOUNT, _accounts(demo.accounts, followers))


class _Loading:
    """A connection within the one transaction, and who wants to know how far it is."""

    def __init__(self, connection: AsyncConnection, demo: Demo) -> None:
        self._connection = connection
        self._demo = demo

    async def insert(self, table: Table, rows: Iterator[Row]) -> None:
        while chunk := list(islice(rows, CHUNK_ROWS)):
            await self._connection.execute(table.insert(), chunk)
            self._demo.report(len(chunk))


def _activities(accounts: int, now: datetime) -> Iterator[Row]:
    """In each round every account does one thing, in another order of the accounts; ids and times rise together."""
    random = Random(SEED)  # noqa: S311 - rows to look at, no secrets
    authors = list(range(1, accounts + 1))
    step = ACTIVITY_SPAN / (ACTIVITIES_EACH * accounts)
    start = now - ACTIVITY_SPAN
    for no in range(ACTIVITIES_EACH):
        random.shuffle(authors)
        for id_, author_id in enumerate(authors, start=no * accounts + 1):
            kind = _KINDS[(author_id + no * _KIND_STEP) % len(_KINDS)]
            yield {
                "id": id_,
                "author_id": author_id,
                "kind": kind.value,
                "text": random.choice(_TEXTS[kind]),
                "created_at": start + step * (id_ - random.random()),
            }


def _follows(accounts: int, now: datetime, followers: "array[int]") -> Iterator[Row]:
    """Every account's follows; `followers` counts along, by account id."""
    random = Random(SEED)  # noqa: S311 - rows to look at, no secrets
    for follower_id in range(1, accounts + 1):
        for followee_id in _followees(follower_id, accounts, random):
            followers[followee_id] += 1
            yield {
                "follower_id": follower_id,
                "followee_id": followee_id,
                "created_at": now - FOLLOW_SPAN * random.random(),
            }


def _followees(follower_id: int, accounts: int, random: Random) -> Iterable[int]:
    named = range(1, min(NAMED_ACCOUNTS, accounts) + 1)
    chosen = {account_id for account_id in named if (follower_id + account_id) % 8 == 0} - {follower_id}
    while len(chosen) < _follows_each(accounts):
        account_id = _followee(accounts, random)
        if account_id != follower_id:
            chosen.add(account_id)
    return sorted(chosen)


def _followee(accounts: int, random: Random) -> int:
    # Every tenth account is a creator. The power makes some of them much more popular than others, as they are.
    creator = 10 * (1 + int(accounts * random.random() ** 1.5))
    return creator if creator <= accounts else random.randint(1, accounts)


def _accounts(accounts: int, followers: "array[int]") -> Iterator[Row]:
    for account_id in range(1, accounts + 1):
        yield {
            "account_id": account_id,
            "follower_count": followers[account_id],
            "following_count": _follows_each(accounts),
        }


def _follows_each(accounts: int) -> int:
    return min(FOLLOWS_EACH, accounts - 1)
