"""What is done, and the lists of it."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace

from schema.errcode import InvalidArgument
from services.activity.biz.cursors import Cursors
from services.activity.biz.ports import ActivityStore
from services.activity.biz.words import (
    ALL_KINDS,
    BEFORE_ALL,
    GUEST_ID,
    PUBLIC_KINDS,
    TEXT_LIMIT,
    TRENDING_KINDS,
    Activity,
    ActivityFilter,
    Item,
    Kind,
    KindCount,
    Page,
    PageQuestion,
    Period,
    Slice,
    Source,
    Viewer,
)
from services.runtime.clock import Clock
from services.runtime.ids import IdSource


class Activities:
    """What is done, and the lists of it."""

    def __init__(self, store: ActivityStore, ids: IdSource, clock: Clock) -> None:
        self._store = store
        self._ids = ids
        self._clock = clock

    async def by_ids(self, questions: Iterable[tuple[Viewer, int]]) -> list[tuple[Viewer, Activity]]:
        """Each viewer's activity with the id, when there is one that this viewer may see."""
        wanted = list(dict.fromkeys(questions))
        found = {activity.id: activity for activity in await self._store.by_ids({id_ for _, id_ in wanted})}
        pairs = ((viewer, found[id_]) for viewer, id_ in wanted if id_ in found)
        return [(viewer, activity) for viewer, activity in pairs if viewer.may_see(activity)]

    async def feeds(self, questions: Sequence[PageQuestion]) -> list[Page]:
        """A page of each viewer's feed: what those do whom the viewer follows; for a guest, what trends."""
        return await self._pages([_feed(question) for question in questions])

    async def own(self, questions: Sequence[PageQuestion]) -> list[Page]:
        """A page of each viewer's own activities, private ones too; a guest has none."""
        return await self._pages([_List(Source.OWN, ALL_KINDS, question) for question in questions])

    async def publish(self, author: Viewer, kind: Kind, text: str) -> Activity:
        """The activity as it is kept from now on."""
        author_id = author.signed_in()
        stripped = _checked_text(text)
        activity = Activity(await self._ids.next_id(), author_id, kind, stripped, self._clock())
        await self._store.add(activity)
        return activity

    async def missed(self, viewer: Viewer, after: int, most: int) -> tuple[Sequence[Activity], bool]:
        """What was added to the viewer's feed after the activity with this id, oldest first; whether there is more."""
        found = await self._store.since(viewer.signed_in(), after, most + 1, PUBLIC_KINDS)
        return found[:most], len(found) > most

    async def search(self, actor: Viewer, wanted: ActivityFilter) -> tuple[Sequence[Activity], bool]:
        """The activities that match, newest first, for staff alone; whether there are more."""
        actor.check_staff()
        found = await self._store.search(replace(wanted, most=wanted.most + 1))
        return found[: wanted.most], len(found) > wanted.most

    async def counts(self, period: Period, after_account_id: int, accounts: int) -> tuple[Sequence[KindCount], bool]:
        """How often each account did each kind of thing, for so many accounts by id; whether there are more."""
        found = await self._store.count(period, after_account_id, accounts + 1)
        account_ids = list(dict.fromkeys(count.account_id for count in found))
        wanted = set(account_ids[:accounts])
        return [count for count in found if count.account_id in wanted], len(account_ids) > accounts

    async def _pages(self, lists: Sequence["_List"]) -> list[Page]:
        slices = [asked.slice() for asked in lists]
        runs = iter(await self._store.newest([wanted for wanted in slices if wanted]))
        return [asked.page(next(runs) if wanted else ()) for asked, wanted in zip(lists, slices, strict=True)]


class _List:
    """One list of activities, and which part of it is wanted."""

    __slots__ = ("_before", "_cursors", "_kinds", "_question", "_source")

    def __init__(self, source: Source, visible: frozenset[Kind], question: PageQuestion) -> None:
        wanted = question.page.kinds
        self._source = source
        self._question = question
        self._kinds = visible & wanted if wanted else visible
        self._cursors = Cursors(source, question.viewer.account_id, wanted)
        self._before = self._cursors.id_at(question.page.after) if question.page.after else BEFORE_ALL

    def slice(self) -> Slice | None:
        """What to ask of the store: one more than wanted, to know whether more come after; None for nothing.

        No kinds are left when only private ones were asked of a feed; a store would search for them in vain.
        """
        if self._before is None or not self._kinds:
            return None
        first = self._question.page.first
        return Slice(self._source, self._question.viewer.account_id, self._before, first + 1, self._kinds)

    def page(self, run: Sequence[Activity]) -> Page:
        """The page that the store's answer makes."""
        if self._before is None:
            return Page(cursor_refused=True)
        first = self._question.page.first
        items = tuple(Item(self._cursors.cursor_at(activity.id), activity) for activity in run[:first])
        return Page(items, has_next_page=len(run) > first)


def _feed(question: PageQuestion) -> _List:
    if question.viewer.account_id == GUEST_ID:
        return _List(Source.TRENDING, TRENDING_KINDS, question)
    return _List(Source.FOLLOWED, PUBLIC_KINDS, question)


def _checked_text(text: str) -> str:
    stripped = text.strip()
    # What is left of invisible characters alone is no text either.
    if not any(letter.isprintable() for letter in stripped):
        raise InvalidArgument("text", "must not be empty")
    if len(stripped) > TEXT_LIMIT:
        raise InvalidArgument("text", f"must have at most {TEXT_LIMIT} characters")
    if any(unicodedata.category(letter) == "Cc" and letter not in "\r\n\t" for letter in stripped):
        raise InvalidArgument("text", "must not contain control characters")
    return stripped
