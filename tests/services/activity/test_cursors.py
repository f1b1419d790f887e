"""A cursor is good for its own list and for no other."""

import re
from base64 import urlsafe_b64encode
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.activity.biz import Activities, Cursors, Kind, Page, Source
from tests.conftest import HandClock
from tests.services.activity.fakes import ADA, Counter, ListActivityStore, activity, ask

POSTS = frozenset({Kind.POST})
LISTS = [
    Cursors(Source.FOLLOWED, 1, ()),
    Cursors(Source.FOLLOWED, 2, ()),
    Cursors(Source.FOLLOWED, 1, POSTS),
    Cursors(Source.FOLLOWED, 1, {Kind.POST, Kind.VIDEO}),
    Cursors(Source.TRENDING, 0, ()),
    Cursors(Source.OWN, 1, ()),
    Cursors(Source.OWN, 1, POSTS),
]
ids = st.integers(min_value=1, max_value=2**63 - 1)


@given(ids)
def test_a_cursor_leads_back_to_its_item(activity_id: int) -> None:
    for cursors in LISTS:
        assert cursors.id_at(cursors.cursor_at(activity_id)) == activity_id


@given(ids)
def test_a_cursor_is_safe_in_a_url(activity_id: int) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", LISTS[0].cursor_at(activity_id))


@given(ids)
def test_a_cursor_of_another_list_another_account_or_other_kinds_is_refused(activity_id: int) -> None:
    for one, other in combinations(LISTS, 2):
        for mine, yours in ((one, other), (other, one)):
            assert mine.id_at(yours.cursor_at(activity_id)) is None


def test_the_order_of_the_kinds_does_not_matter() -> None:
    one = Cursors(Source.OWN, 1, [Kind.POST, Kind.LIKE])
    assert Cursors(Source.OWN, 1, [Kind.LIKE, Kind.POST]).id_at(one.cursor_at(7)) == 7


@given(ids, st.integers(0, 31), st.characters(codec="ascii"))
def test_a_cursor_with_one_character_changed_is_refused(activity_id: int, place: int, character: str) -> None:
    cursor = LISTS[0].cursor_at(activity_id)
    changed = cursor[:place] + character + cursor[place + 1 :]
    if changed != cursor:
        assert LISTS[0].id_at(changed) is None


@given(st.text() | st.binary().map(lambda raw: urlsafe_b64encode(raw).decode()))
def test_any_other_text_is_refused(garbage: str) -> None:
    assert LISTS[0].id_at(garbage) is None


@pytest.mark.parametrize("change", ["{}=", "{}====", " {}", "{}\n", "{}A", "+{}"])
def test_a_cursor_with_something_added_is_refused(change: str) -> None:
    assert LISTS[0].id_at(change.format(LISTS[0].cursor_at(7))) is None


async def test_a_cursor_of_the_own_list_is_refused_by_the_feed_before_anything_is_searched() -> None:
    store = ListActivityStore(activity(1), activity(2))
    activities = Activities(store, Counter(), HandClock())
    (page,) = await activities.own([ask(ADA)])
    store.asked.clear()
    (refused,) = await activities.feeds([ask(ADA, 20, page.items[0].cursor)])
    assert refused == Page(cursor_refused=True)
    assert store.asked == [[]]
