"""What an account has here, when it is merged into another or closed for good."""

from schema.errcode import InvalidArgument
from services.activity.biz.ports import HoldingStore
from services.activity.biz.words import Holdings


class Belongings:
    """Counts, moves and erases what an account has, so that each call is short and any may be repeated."""

    def __init__(self, store: HoldingStore) -> None:
        self._store = store

    async def count(self, account_id: int) -> Holdings:
        """How much there is."""
        return await self._store.count(account_id)

    async def move_follows(self, source_id: int, target_id: int, most: int) -> int:
        """Moves some follows, in both directions; how many left the source, 0 only when none is left."""
        _refuse_oneself(source_id, target_id)
        return await self._store.move_follows(source_id, target_id, most)

    async def move_activities(self, source_id: int, target_id: int, most: int) -> int:
        """Moves some activities; how many, 0 only when none is left."""
        _refuse_oneself(source_id, target_id)
        return await self._store.move_activities(source_id, target_id, most)

    async def erase(self, account_id: int, most: int) -> int:
        """Forgets some of what the account did; how many rows, 0 only when none is left."""
        return await self._store.erase(account_id, most)


def _refuse_oneself(source_id: int, target_id: int) -> None:
    if source_id == target_id:
        raise InvalidArgument("target_id", "must be another account than the source")
