"""The rules: who sees banners, in which order, how many, and what caps mean without counters."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.banner.biz import (
    LIMIT,
    AccountType,
    Banner,
    Banners,
    CountersLost,
    Question,
    Shortlist,
    Slot,
    Viewer,
    shortlist_of,
    within_reach,
)
from tests.conftest import NOON, HandClock

GUEST = Viewer(0, AccountType.GUEST)
ADA = Viewer(1, AccountType.PERSONAL)
BO = Viewer(2, AccountType.CREATOR)
CORP = Viewer(3, AccountType.BUSINESS)
NEWCOMER = Viewer(9, 77)
MONDAY = NOON.date()


def banner(number: int, weight: int = 1, cap: int = 0, slot: int = Slot.HOME_TOP) -> Banner:
    return Banner(number, slot, f"Offer {number}", f"/{number}.png", f"/offers/{number}", weight, cap)


class FixedBanners:
    """Has the same banners running for every type, also for companies, and keeps what was asked."""

    def __init__(self, *banners: Banner) -> None:
        self.asked: list[tuple[datetime, set[int], set[int]]] = []
        self._banners = banners

    async def running(
        self, now: datetime, slots: Collection[int], audiences: Collection[int]
    ) -> Mapping[tuple[int, int], Sequence[Banner]]:
        self.asked.append((now, set(slots), set(audiences)))
        known = set(AccountType) & set(audiences)
        return {(slot, type_): [b for b in self._banners if b.slot == slot] for slot in slots for type_ in known}


class OddCounters:
    """Lets the banners with odd ids through, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[Sequence[Shortlist]] = []

    async def show(self, now: datetime, shortlists: Sequence[Shortlist]) -> Sequence[Sequence[Banner]]:
        self.asked.append(shortlists)
        return [[b for b in shortlist.banners if b.id % 2][:LIMIT] for shortlist in shortlists]


class LostCounters:
    """Cannot be asked."""

    async def show(self, now: datetime, shortlists: Sequence[Shortlist]) -> Sequence[Sequence[Banner]]:
        raise CountersLost


def order(viewer: Viewer, banners: Sequence[Banner], day: date = MONDAY) -> list[int]:
    return [b.id for b in shortlist_of(viewer, banners, day).banners]


async def ids(banners: Banners, *questions: Question) -> list[list[int]]:
    return [[b.id for b in shown] for shown in (await banners.choose(questions)).values()]


def test_a_viewer_sees_the_same_order_all_day_however_the_rows_come() -> None:
    offers = [banner(number, weight=number) for number in range(1, 5)]
    assert order(ADA, offers) == order(ADA, offers[::-1]) == order(ADA, offers)


def test_the_order_differs_between_days_and_accounts() -> None:
    offers = [banner(number, cap=1) for number in range(1, 9)]
    days = {tuple(order(ADA, offers, MONDAY + timedelta(day))) for day in range(20)}
    accounts = {tuple(order(Viewer(number, 2), offers)) for number in range(1, 21)}
    assert (len(days), len(accounts)) == (20, 20)


def test_all_guests_see_one_order() -> None:
    offers = [banner(number) for number in range(1, 5)]
    assert order(GUEST, offers) == order(Viewer(7, AccountType.GUEST), offers)


def test_a_banner_comes_first_in_proportion_to_its_weight() -> None:
    offers = [banner(1, weight=1), banner(2, weight=3), banner(3, weight=6)]
    first = Counter(order(Viewer(number, 2), offers)[0] for number in range(1, 10_001))
    assert [first[number] / 10_000 for number in (1, 2, 3)] == pytest.approx([0.1, 0.3, 0.6], abs=0.015)


def test_great_weights_are_kept_apart() -> None:
    offers = [banner(1, weight=10**9), banner(2, weight=2 * 10**9)]
    first = Counter(order(Viewer(number, 2), offers)[0] for number in range(1, 3001))
    assert first[2] / 3000 == pytest.approx(2 / 3, abs=0.03)


@given(account=st.integers(1, 2**63 - 1), weights=st.lists(st.integers(1, 100), min_size=2, max_size=12))
def test_a_banner_that_goes_leaves_the_others_in_their_order(account: int, weights: list[int]) -> None:
    offers = [banner(number, weight, cap=1) for number, weight in enumerate(weights, start=1)]
    all_of_them = order(Viewer(account, 2), offers)
    assert order(Viewer(account, 2), offers[1:]) == [number for number in all_of_them if number != 1]


@given(caps=st.lists(st.sampled_from([0, 0, 3]), max_size=20), blocked=st.sets(st.integers(0, 19)))
def test_what_is_out_of_reach_would_never_have_been_shown(caps: list[int], blocked: set[int]) -> None:
    ranked = [banner(number, cap=cap) for number, cap in enumerate(caps)]

    def shown(banners: Sequence[Banner]) -> list[Banner]:
        return [b for b in banners if not (b.daily_cap and b.id in blocked)][:LIMIT]

    assert shown(within_reach(ranked)) == shown(ranked)


async def test_a_slot_shows_five_at_most(clock: HandClock) -> None:
    offers = [banner(number) for number in range(1, 9)]
    banners = Banners(FixedBanners(*offers), OddCounters(), clock)
    [shown] = await ids(banners, Question(ADA, Slot.HOME_TOP))
    assert shown == order(ADA, offers)
    assert len(shown) == LIMIT == 5


async def test_one_question_to_store_and_counters_answers_the_whole_batch(clock: HandClock) -> None:
    repo, counters = FixedBanners(banner(1, cap=3), banner(3, cap=3, slot=Slot.HOME_FEED)), OddCounters()
    viewers = (GUEST, ADA, BO, CORP, NEWCOMER)
    questions = [Question(viewer, slot) for viewer in viewers for slot in (Slot.HOME_TOP, Slot.HOME_FEED)]
    chosen = await Banners(repo, counters, clock).choose(questions)
    assert list(chosen) == questions[:6]
    assert [b.id for shown in chosen.values() for b in shown] == [1, 3] * 3
    assert repo.asked == [(NOON, {1, 2}, {1, 2, 3, 77})]
    assert [[shortlist.account_id for shortlist in lists] for lists in counters.asked] == [[1, 1, 2, 2]]


async def test_a_company_sees_no_banner_and_costs_nothing(clock: HandClock) -> None:
    repo, counters = FixedBanners(banner(1, cap=1)), OddCounters()
    assert await Banners(repo, counters, clock).choose([Question(CORP, Slot.HOME_TOP)]) == {}
    assert (repo.asked, counters.asked) == ([], [])


async def test_nobody_is_a_member_without_an_account(clock: HandClock) -> None:
    repo, counters = FixedBanners(banner(2, cap=1)), OddCounters()
    question = Question(Viewer(0, AccountType.STAFF), Slot.HOME_TOP)
    assert await ids(Banners(repo, counters, clock), question) == [[2]]
    assert repo.asked == [(NOON, {1}, {AccountType.GUEST})]
    assert counters.asked == []


async def test_a_guest_has_no_cap(clock: HandClock) -> None:
    counters = OddCounters()
    banners = Banners(FixedBanners(banner(2, cap=1)), counters, clock)
    assert await ids(banners, Question(GUEST, Slot.HOME_TOP)) == [[2]]
    assert counters.asked == []


async def test_banners_without_a_cap_ask_no_counter(clock: HandClock) -> None:
    counters = OddCounters()
    banners = Banners(FixedBanners(banner(2)), counters, clock)
    assert await ids(banners, Question(ADA, Slot.HOME_TOP)) == [[2]]
    assert counters.asked == []


async def test_a_question_asked_twice_is_answered_and_counted_once(clock: HandClock) -> None:
    counters = OddCounters()
    banners = Banners(FixedBanners(banner(1, cap=9)), counters, clock)
    assert await ids(banners, *[Question(ADA, Slot.HOME_TOP)] * 2) == [[1]]
    assert [len(lists) for lists in counters.asked] == [1]


async def test_a_question_whose_banners_are_all_used_up_is_left_out(clock: HandClock) -> None:
    banners = Banners(FixedBanners(banner(2, cap=1)), OddCounters(), clock)
    assert await banners.choose([Question(ADA, Slot.HOME_TOP)]) == {}


async def test_a_slot_without_banners_is_left_out(clock: HandClock) -> None:
    banners = Banners(FixedBanners(banner(1)), OddCounters(), clock)
    questions = [Question(ADA, Slot.PROFILE_SIDE), Question(ADA, Slot.HOME_TOP)]
    assert list(await banners.choose(questions)) == questions[1:]


async def test_lost_counters_enforce_no_cap(clock: HandClock) -> None:
    offers = [banner(number, cap=1) for number in range(1, 9)]
    banners = Banners(FixedBanners(*offers), LostCounters(), clock)
    [shown] = await ids(banners, Question(ADA, Slot.HOME_TOP))
    assert shown == order(ADA, offers)[:LIMIT]
