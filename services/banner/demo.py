"""The banners of the demo: forty over all slots, some of them over, some yet to come, none for companies."""

from collections.abc import Collection, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import insert

from services.banner.biz import AccountType, Banner, Slot
from services.banner.data import banner_table, target_table
from services.runtime.backend import Demo, Resources

GUESTS = (AccountType.GUEST,)
MEMBERS = (AccountType.PERSONAL, AccountType.CREATOR)
CREATORS = (AccountType.CREATOR,)
COLLEAGUES = (AccountType.STAFF,)
EVERYBODY = GUESTS + MEMBERS + COLLEAGUES
RUNNING = (-30, 365)
"""First day and the day after the last, counted from the day on which the data is made."""
OVER = (-60, -1)
COMING = (30, 365)

Plan = tuple[str, Collection[AccountType], int, int, tuple[int, int]]
"""Title, audience, weight, daily cap, days."""
PLANS: dict[Slot, tuple[Plan, ...]] = {
    Slot.HOME_TOP: (
        ("Summer sale: up to half off", EVERYBODY, 40, 0, RUNNING),
        ("Free delivery this week", EVERYBODY, 20, 0, RUNNING),
        ("Travel insurance in two minutes", EVERYBODY, 10, 0, RUNNING),
        ("Plant a tree with every order", EVERYBODY, 5, 0, RUNNING),
        ("Open an account, get a coupon", GUESTS, 40, 0, RUNNING),
        ("See what your friends read", GUESTS, 10, 0, RUNNING),
        ("Two months of music for nothing", MEMBERS, 20, 0, RUNNING),
        ("Your photos as a book", MEMBERS, 10, 0, RUNNING),
        ("Pay later with the wallet", MEMBERS, 10, 500, RUNNING),
        ("Cameras for creators", CREATORS, 20, 200, RUNNING),
        ("Colleagues get a fifth off", COLLEAGUES, 20, 0, RUNNING),
        ("Company run: sign up", COLLEAGUES, 10, 100, RUNNING),
        ("Spring sale", EVERYBODY, 40, 0, OVER),
        ("Winter sale", EVERYBODY, 40, 0, COMING),
    ),
    Slot.HOME_FEED: (
        ("Noise-free headphones", EVERYBODY, 20, 0, RUNNING),
        ("Coffee, roasted yesterday", EVERYBODY, 15, 0, RUNNING),
        ("Learn a language in the evening", EVERYBODY, 10, 0, RUNNING),
        ("Follow what you like: join", GUESTS, 30, 0, RUNNING),
        ("The app, twice as fast", GUESTS, 10, 0, RUNNING),
        ("Running shoes, tried by runners", MEMBERS, 20, 0, RUNNING),
        ("Cook it yourself: the box", MEMBERS, 10, 100, RUNNING),
        ("Last seats for the concert", MEMBERS, 30, 2, RUNNING),
        ("A microphone that forgives", CREATORS, 20, 50, RUNNING),
        ("Lunch is on the house", COLLEAGUES, 20, 0, RUNNING),
        ("Choose your new desk", COLLEAGUES, 10, 50, RUNNING),
        ("Advent calendar", EVERYBODY, 20, 0, OVER),
        ("Garden week", EVERYBODY, 20, 0, COMING),
    ),
    Slot.PROFILE_SIDE: (
        ("A better portrait in ten minutes", EVERYBODY, 20, 0, RUNNING),
        ("Business cards that last", EVERYBODY, 10, 0, RUNNING),
        ("Frames for every wall", EVERYBODY, 10, 0, RUNNING),
        ("A profile of your own: join", GUESTS, 30, 0, RUNNING),
        ("Ask the help centre", GUESTS, 5, 0, RUNNING),
        ("A theme for your profile", MEMBERS, 20, 0, RUNNING),
        ("Give a voucher", MEMBERS, 10, 300, RUNNING),
        ("One day only: double points", MEMBERS, 30, 3, RUNNING),
        ("Get verified", CREATORS, 20, 50, RUNNING),
        ("Mentor a newcomer", COLLEAGUES, 20, 0, RUNNING),
        ("Write for the house paper", COLLEAGUES, 10, 50, RUNNING),
        ("Back to school", EVERYBODY, 10, 0, OVER),
        ("New year, new portrait", EVERYBODY, 10, 0, COMING),
    ),
}
"""The banners of each slot; their ids count from 1 in this order."""


async def load_demo(resources: Resources, demo: Demo) -> None:
    """Fills the empty tables, all or nothing; a larger demo has no more banners."""
    today = resources.clock().replace(hour=0, minute=0, second=0, microsecond=0)
    banners, targets = list(banner_rows(today)), list(target_rows())
    async with resources.database.transaction() as session:
        await session.execute(insert(banner_table), banners)
        demo.report(len(banners))
        await session.execute(insert(target_table), targets)
        demo.report(len(targets))


def count_demo(demo: Demo) -> int:
    """How many rows `load_demo` writes."""
    return sum(1 + len(audience) for _, _, (_, audience, *_) in _numbered())


def banner_rows(today: datetime) -> Iterator[dict[str, object]]:
    """The rows of the banners, their days counted from `today`, a midnight."""
    for number, slot, (title, _, weight, cap, (first, end)) in _numbered():
        banner = Banner(
            id=number,
            slot=slot,
            title=title,
            image_url=f"https://cdn.atrium.example/banners/{number}.png",
            target_url=f"https://atrium.example/offers/{number}",
            weight=weight,
            daily_cap=cap,
        )
        yield {**asdict(banner), "starts_at": today + timedelta(first), "ends_at": today + timedelta(end)}


def target_rows() -> Iterator[dict[str, int]]:
    """The rows that say whom each banner is meant for."""
    for number, _, (_, audience, *_) in _numbered():
        yield from ({"banner_id": number, "account_type": account_type} for account_type in audience)


def _numbered() -> Iterator[tuple[int, Slot, Plan]]:
    plans = ((slot, plan) for slot, plans in PLANS.items() for plan in plans)
    for number, (slot, plan) in enumerate(plans, start=1):
        yield number, slot, plan
