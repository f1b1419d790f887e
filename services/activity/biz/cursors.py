"""Where somebody is in a list."""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from hashlib import blake2b

from services.activity.biz.words import Kind, Source


class Cursors:
    """The cursors of one list: they say which list, whose, of which kinds, and the id of an item in it.

    A cursor is a position and no secret. Its digest tells a cursor of this list from any other text, so that a
    client's mistake is answered as one; it guards nothing, since whoever reads the list may start anywhere in it.
    """

    _HEAD = struct.Struct(">BBq")
    _ID = struct.Struct(">q")
    _DIGEST_BYTES = 6
    _LISTS = {Source.FOLLOWED: 1, Source.TRENDING: 1, Source.OWN: 2}

    def __init__(self, source: Source, account_id: int, kinds: Iterable[Kind]) -> None:
        self._head = self._HEAD.pack(self._LISTS[source], kind_bits(kinds), account_id)
        self._digest = blake2b(self._head, digest_size=self._DIGEST_BYTES)

    def cursor_at(self, activity_id: int) -> str:
        """The cursor of the item with this id: 32 characters that are safe in a URL."""
        position = self._ID.pack(activity_id)
        digest = self._digest.copy()
        digest.update(position)
        return urlsafe_b64encode(self._head + position + digest.digest()).decode()

    def id_at(self, cursor: str) -> int | None:
        """The id that a cursor of this list points at; None for any other text."""
        try:
            (activity_id,) = self._ID.unpack_from(urlsafe_b64decode(cursor.encode("ascii")), self._HEAD.size)
        except (ValueError, struct.error):
            return None
        return int(activity_id) if cursor == self.cursor_at(activity_id) else None


def kind_bits(kinds: Iterable[Kind]) -> int:
    """The kinds as a number with one bit for each."""
    return sum(1 << kind for kind in kinds)
