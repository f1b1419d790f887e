"""What staff asks: how an account changed, and how far merges are."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from schema.errcode import InvalidArgument, MergeRefused, PermissionDenied
from services.job.biz.changes import Change
from services.job.biz.errands import Errand, ErrandState
from services.job.biz.ports import Place, Records
from services.runtime.clock import Clock

T = TypeVar("T")
STAFF = 5
"""The number of the account type of those who run the account centre."""
READ, WRITE = "admin.accounts.read", "admin.accounts.write"
"""What staff needs to read histories and merges, and to take a merge up again."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = struct.Struct(">qq")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks."""

    account_id: int
    account_type: int
    """A number: it may be newer than this backend."""

    @property
    def is_staff(self) -> bool:
        """Whether they run the account centre."""
        return self.account_type == STAFF


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list."""

    items: Sequence[tuple[str, T]]
    """Each with the cursor of its place."""
    has_next_page: bool


class Questions:
    """Answers staff, and nobody else."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock

    async def changes(self, actor: Viewer, account_id: int, first: int, after: str) -> Page[Change]:
        """A page of the history of an account, newest first."""
        _staff_only(actor, READ)
        found = await self._records.changes(account_id, place_at(after), first + 1)
        return _page([(placed.place, placed.change) for placed in found], first)

    async def merge(self, actor: Viewer, source_id: int) -> Errand | None:
        """The merge of an account; None when none is known."""
        _staff_only(actor, READ)
        return await self._records.merge(source_id)

    async def merges(self, actor: Viewer, states: Collection[ErrandState], first: int, after: str) -> Page[Errand]:
        """A page of the merges in one of the states, or in any; the one asked for last first."""
        _staff_only(actor, READ)
        found = await self._records.merges(states, place_at(after), first + 1)
        return _page([(place_of(errand), errand) for errand in found], first)

    async def retry(self, actor: Viewer, source_id: int) -> Errand:
        """Queues a merge that failed; raises MergeRefused when there is none."""
        _staff_only(actor, WRITE)
        if errand := await self._records.retry(source_id, self._clock()):
            return errand
        raise MergeRefused(f"there is no failed merge of account {source_id}")


def cursor_at(place: Place) -> str:
    """The cursor of a place: 22 characters that are safe in a URL."""
    microseconds = (place.at - _EPOCH) // timedelta(microseconds=1)
    return urlsafe_b64encode(_CURSOR.pack(microseconds, place.id)).decode().rstrip("=")


def place_at(cursor: str) -> Place | None:
    """The place of a cursor, None for an empty one; raises InvalidArgument for what is none."""
    if not cursor:
        return None
    try:
        microseconds, id_ = _CURSOR.unpack(urlsafe_b64decode(f"{cursor}=="))
        place = Place(_EPOCH + timedelta(microseconds=microseconds), id_)
    except (NoBase64, ValueError, struct.error, OverflowError) as error:
        raise InvalidArgument("after", "is no cursor of this list") from error
    if cursor_at(place) != cursor:  # Base64 has more than one spelling.
        raise InvalidArgument("after", "is no cursor of this list")
    return place


def place_of(errand: Errand) -> Place:
    """The place of a merge in the list of merges."""
    return Place(errand.requested_at, errand.account_id)


def _staff_only(actor: Viewer, permission: str) -> None:
    if not actor.is_staff:
        raise PermissionDenied(permission)


def _page(found: Sequence[tuple[Place, T]], first: int) -> Page[T]:
    items = [(cursor_at(place), item) for place, item in found[:first]]
    return Page(items=items, has_next_page=len(found) > first)
