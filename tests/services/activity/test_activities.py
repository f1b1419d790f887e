"""Who sees which activity, what a page of a list is, and what may be published."""

from datetime import timedelta

import pytest

from schema.errcode import InvalidArgument, PermissionDenied, Unauthenticated
from services.activity.biz import (
    ALL_KINDS,
    PUBLIC_KINDS,
    TRENDING_KINDS,
    Activities,
    Activity,
    ActivityFilter,
    Kind,
    KindCount,
    Page,
    PageQuestion,
    Period,
    Source,
    Viewer,
)
from tests.conftest import NOON, HandClock
from tests.services.activity.fakes import ADA, BO, CORP, GUEST, SAM, ListActivityStore, Numbers, activity, ask

TWENTY_FIVE = [activity(number) for number in range(1, 26)]


def activities(store: ListActivityStore) -> Activities:
    return Activities(store, Numbers(), HandClock())


async def feed(store: ListActivityStore, question: PageQuestion) -> Page:
    (page,) = await activities(store).feeds([question])
    return page


def ids(page: Page) -> list[int]:
    return [item.activity.id for item in page.items]


@pytest.mark.parametrize("kind", sorted(PUBLIC_KINDS))
async def test_a_public_activity_is_seen_by_everybody(kind: Kind) -> None:
    public = activity(7, author_id=2, kind=kind)
    seen = await activities(ListActivityStore(public)).by_ids([(ADA, 7), (BO, 7), (SAM, 7), (GUEST, 7)])
    assert seen == [(ADA, public), (BO, public), (SAM, public), (GUEST, public)]


@pytest.mark.parametrize("kind", sorted(ALL_KINDS - PUBLIC_KINDS))
async def test_a_private_activity_is_seen_by_its_author_and_by_staff_alone(kind: Kind) -> None:
    private = activity(7, author_id=2, kind=kind)
    seen = await activities(ListActivityStore(private)).by_ids([(ADA, 7), (BO, 7), (SAM, 7), (GUEST, 7)])
    assert seen == [(BO, private), (SAM, private)]


async def test_an_activity_that_is_not_there_is_left_out_and_a_question_asked_twice_is_answered_once() -> None:
    store = ListActivityStore(activity(7))
    assert await activities(store).by_ids([(ADA, 7), (ADA, 8), (ADA, 7)]) == [(ADA, activity(7))]


@pytest.mark.parametrize(("first", "has_next_page"), [(24, True), (25, False), (26, False)])
async def test_a_page_knows_whether_more_come_after(first: int, has_next_page: bool) -> None:
    page = await feed(ListActivityStore(*TWENTY_FIVE), ask(ADA, first))
    assert ids(page) == list(range(25, max(25 - first, 0), -1))
    assert page.has_next_page is has_next_page


async def test_the_page_after_a_cursor_begins_below_it() -> None:
    store = ListActivityStore(*TWENTY_FIVE)
    start = await feed(store, ask(ADA, 10))
    assert ids(await feed(store, ask(ADA, 3, start.items[-1].cursor))) == [15, 14, 13]
    assert ids(await feed(store, ask(ADA, 3, start.items[0].cursor))) == [24, 23, 22]


async def test_an_empty_list_is_an_empty_page() -> None:
    assert await feed(ListActivityStore(), ask(ADA)) == Page(items=(), has_next_page=False)


async def test_a_feed_asks_for_public_kinds_of_those_followed_and_a_guest_for_what_trends() -> None:
    store = ListActivityStore()
    await activities(store).feeds([ask(ADA, 5), ask(GUEST, 6)])
    ((of_ada, of_guest),) = store.asked
    assert (of_ada.source, of_ada.account_id, of_ada.most, of_ada.kinds) == (Source.FOLLOWED, 1, 6, PUBLIC_KINDS)
    assert (of_guest.source, of_guest.account_id, of_guest.most) == (Source.TRENDING, 0, 7)
    assert of_guest.kinds == TRENDING_KINDS


async def test_own_activities_are_of_all_kinds() -> None:
    store = ListActivityStore(*(activity(kind.value, kind=kind) for kind in Kind))
    (page,) = await activities(store).own([ask(ADA)])
    assert [item.activity.kind for item in page.items] == sorted(Kind, reverse=True)
    assert store.asked[0][0].source is Source.OWN


async def test_kinds_narrow_a_list_and_never_widen_it() -> None:
    store = ListActivityStore(*(activity(kind.value, kind=kind) for kind in Kind))
    page = await feed(store, ask(ADA, 20, "", Kind.VIDEO, Kind.PURCHASE, Kind.SIGN_IN))
    assert [item.activity.kind for item in page.items] == [Kind.VIDEO]


async def test_a_feed_of_private_kinds_is_empty_and_nothing_is_searched_for_it() -> None:
    store = ListActivityStore(*(activity(kind.value, kind=kind) for kind in Kind))
    private, public = await activities(store).feeds([ask(ADA, 20, "", Kind.PURCHASE), ask(BO, 20, "", Kind.POST)])
    assert (ids(private), ids(public)) == ([], [Kind.POST])
    assert [wanted.account_id for wanted in store.asked[0]] == [BO.account_id]


async def test_what_is_published_is_stripped_and_kept_with_the_next_id_and_the_time() -> None:
    store = ListActivityStore()
    published = await activities(store).publish(ADA, Kind.POST, "  hello\n")
    assert published == Activity(101, 1, Kind.POST, "hello", NOON)
    assert store.kept == [published]


@pytest.mark.parametrize("text", ["x", "x" * 2000, "  " + "é" * 2000 + "  ", "two\r\n\tlines \u200d"])
async def test_a_text_of_one_to_two_thousand_characters_is_published(text: str) -> None:
    published = await activities(ListActivityStore()).publish(CORP, Kind.VIDEO, text)
    assert published.text == text.strip()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must not be empty"),
        (" \t\n\u3000", "must not be empty"),
        ("x" * 2001, "must have at most 2000 characters"),
        ("\u200b\u202e", "must not be empty"),
        ("a\0b", "must not contain control characters"),
        ("\x1b[31mred", "must not contain control characters"),
    ],
)
async def test_another_text_is_refused_and_nothing_is_kept(text: str, problem: str) -> None:
    store = ListActivityStore()
    with pytest.raises(InvalidArgument, match=f"^text: {problem}$"):
        await activities(store).publish(ADA, Kind.POST, text)
    assert store.kept == []


async def test_a_guest_publishes_nothing() -> None:
    store = ListActivityStore()
    with pytest.raises(Unauthenticated):
        await activities(store).publish(Viewer(0), Kind.POST, "hello")
    assert store.kept == []


async def test_what_was_missed_is_public_and_says_whether_there_is_more() -> None:
    store = ListActivityStore(*(activity(number, 2, Kind(1 + number % 6)) for number in range(1, 13)))
    missed, has_more = await activities(store).missed(ADA, 2, 3)
    assert ([found.id for found in missed], has_more) == ([3, 6, 7], True)
    missed, has_more = await activities(store).missed(ADA, 7, 3)
    assert ([found.id for found in missed], has_more) == ([8, 9, 12], False)


async def test_a_guest_misses_nothing() -> None:
    with pytest.raises(Unauthenticated):
        await activities(ListActivityStore()).missed(GUEST, 0, 10)


async def test_staff_finds_private_activities_too_and_knows_whether_there_are_more() -> None:
    store = ListActivityStore(activity(1, 2, Kind.PURCHASE), activity(2, 2), activity(3, 2))
    found, has_more = await activities(store).search(SAM, ActivityFilter(2))
    assert ([one.id for one in found], has_more) == ([3, 2], True)
    found, has_more = await activities(store).search(SAM, ActivityFilter(3))
    assert ([one.id for one in found], has_more) == ([3, 2, 1], False)


@pytest.mark.parametrize("actor", [ADA, GUEST, Viewer(0, is_staff=True)])
async def test_nobody_else_finds_anything(actor: Viewer) -> None:
    store = ListActivityStore(activity(1))
    with pytest.raises(PermissionDenied, match=r"^this needs the permission admin\.activities\.read$"):
        await activities(store).search(actor, ActivityFilter(10))
    assert store.searched == []


async def test_counts_of_so_many_accounts_say_whether_there_are_more() -> None:
    store = ListActivityStore(*(activity(number, 1 + number % 3) for number in range(1, 10)))
    counts, has_more = await activities(store).counts(Period(), 0, 2)
    assert (counts, has_more) == ([KindCount(1, Kind.POST, 3), KindCount(2, Kind.POST, 3)], True)
    counts, has_more = await activities(store).counts(Period(), 2, 2)
    assert (counts, has_more) == ([KindCount(3, Kind.POST, 3)], False)


def test_a_period_ends_after_it_began() -> None:
    for until in (NOON, NOON - timedelta(seconds=1)):
        with pytest.raises(InvalidArgument, match=r"^until: must be later than since$"):
            Period(NOON, until)
