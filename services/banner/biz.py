"""What a banner is, who sees it, in which order and how often a day."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from hashlib import blake2b
from math import log
from typing import Protocol

from services.runtime.clock import Clock

LIMIT = 5
"""The most banners that one slot shows."""


class AccountType(IntEnum):
    """The account types that a banner may be meant for, numbered as the contract numbers them."""

    GUEST = 1
    PERSONAL = 2
    CREATOR = 3
    BUSINESS = 4
    STAFF = 5


class Slot(IntEnum):
    """The places on the pages, numbered as the contract numbers them."""

    HOME_TOP = 1
    HOME_FEED = 2
    PROFILE_SIDE = 3


WITHOUT_ADVERTISING = frozenset({AccountType.BUSINESS})
"""Account types that see no banner, whatever a banner is meant for."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever a question is asked for."""

    account_id: int
    """0 for a guest."""
    account_type: int
    """A number, not an AccountType: it may be newer than this backend, and then no banner is meant for it."""

    @property
    def is_guest(self) -> bool:
        """Whether nobody is signed in. Without an account there is no other type to claim."""
        return self.account_id == 0 or self.account_type == AccountType.GUEST

    @property
    def audience(self) -> int:
        """The account type whose banners the viewer sees."""
        return AccountType.GUEST if self.is_guest else self.account_type


@dataclass(frozen=True, slots=True)
class Question:
    """What to show to a viewer in a slot."""

    viewer: Viewer
    slot: int


@dataclass(frozen=True, slots=True)
class Banner:
    """Something advertised."""

    id: int
    slot: int
    title: str
    image_url: str
    target_url: str
    weight: int
    """At least 1; a banner of twice the weight comes first about twice as often."""
    daily_cap: int
    """How often a day one account sees it; 0: as often as it comes up."""


@dataclass(frozen=True, slots=True)
class Shortlist:
    """The banners that one account may see in one slot, the first to be shown first."""

    account_id: int
    banners: Sequence[Banner]


class BannerRepo(Protocol):
    """Where banners are kept. What it costs does not depend on how many slots and types are asked for."""

    async def running(
        self, now: datetime, slots: Collection[int], audiences: Collection[int]
    ) -> Mapping[tuple[int, int], Sequence[Banner]]:
        """The banners of the moment, by slot and account type; a pair without any may be left out."""
        ...


class Counters(Protocol):
    """How often each account has seen each banner on each day, in UTC."""

    async def show(self, now: datetime, shortlists: Sequence[Shortlist]) -> Sequence[Sequence[Banner]]:
        """The first LIMIT banners of each list that are under their caps, each counted as shown in the same step.

        Lists are answered in order. Raises CountersLost; then any of them may have been counted.
        """
        ...


class CountersLost(Exception):
    """The counters cannot be asked."""


class Banners:
    """Chooses banners for many viewers at once."""

    def __init__(self, repo: BannerRepo, counters: Counters, clock: Clock) -> None:
        self._repo = repo
        self._counters = counters
        self._clock = clock

    async def choose(self, questions: Iterable[Question]) -> dict[Question, Sequence[Banner]]:
        """What to show, by question and in the order of the questions; one with nothing to show is left out."""
        now = self._clock()
        lists = await self._shortlists(now, questions)
        capped = {question: shortlist for question, shortlist in lists.items() if is_capped(shortlist)}
        counted = await self._counted(now, capped)
        shown = {question: counted.get(question, shortlist.banners[:LIMIT]) for question, shortlist in lists.items()}
        return {question: banners for question, banners in shown.items() if banners}

    async def _shortlists(self, now: datetime, questions: Iterable[Question]) -> dict[Question, Shortlist]:
        # A dict, so that a question asked twice is counted once.
        wanted = {question: question.viewer for question in questions if sees_advertising(question.viewer)}
        if not wanted:
            return {}
        slots = {question.slot for question in wanted}
        running = await self._repo.running(now, slots, {viewer.audience for viewer in wanted.values()})
        return {
            question: shortlist_of(viewer, running.get((question.slot, viewer.audience), ()), now.date())
            for question, viewer in wanted.items()
        }

    async def _counted(self, now: datetime, lists: Mapping[Question, Shortlist]) -> dict[Question, Sequence[Banner]]:
        """What the counters let through; nothing when they are lost, for a banner too many beats an empty page."""
        if not lists:
            return {}
        try:
            shown = await self._counters.show(now, list(lists.values()))
        except CountersLost:
            return {}
        return dict(zip(lists, shown, strict=True))


def sees_advertising(viewer: Viewer) -> bool:
    """Whether banners are shown to the viewer at all."""
    return viewer.audience not in WITHOUT_ADVERTISING


def shortlist_of(viewer: Viewer, banners: Iterable[Banner], day: date) -> Shortlist:
    """The banners in the viewer's order of the day, down to the last that could be shown."""
    account_id = 0 if viewer.is_guest else viewer.account_id
    ranked = sorted(banners, key=lambda banner: (rank(account_id, banner, day), banner.id), reverse=True)
    return Shortlist(account_id, within_reach(ranked))


def rank(account_id: int, banner: Banner, day: date) -> float:
    """The sort key of a banner for an account on a day, the greatest first: always the same for the same three.

    The key u ** (1 / weight) of Efraimidis and Spirakis, "Weighted random sampling with a reservoir", Information
    Processing Letters 97 (2006), 181-185: each place goes to one of those left with a probability in proportion to its
    weight. Here u comes from a hash, and the key is its logarithm, which sorts alike and keeps great weights apart.
    """
    digest = blake2b(f"{account_id}:{banner.id}:{day.isoformat()}".encode(), digest_size=8).digest()
    u = ((int.from_bytes(digest) >> 12) + 0.5) / (1 << 52)
    return log(u) / banner.weight


def within_reach(ranked: Sequence[Banner]) -> Sequence[Banner]:
    """The list without what can never be shown, because LIMIT banners without a cap come before it."""
    uncapped = [place for place, banner in enumerate(ranked) if not banner.daily_cap]
    return ranked[: uncapped[LIMIT - 1] + 1] if len(uncapped) >= LIMIT else ranked


def is_capped(shortlist: Shortlist) -> bool:
    """Whether counters decide what is shown; a guest has none."""
    return shortlist.account_id > 0 and any(banner.daily_cap for banner in shortlist.banners)
