"""Who follows whom, and the figures that come of it."""

from collections.abc import Iterable, Mapping, Sequence

from schema.errcode import InvalidArgument
from services.activity.biz.ports import FollowStore
from services.activity.biz.words import WEEK, Audience, Follow, FollowCounts, SuggestionQuestion, Viewer
from services.runtime.clock import Clock


class Follows:
    """Who follows whom, and the figures that come of it."""

    def __init__(self, store: FollowStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def follow(self, viewer: Viewer, account_id: int) -> bool:
        """The viewer follows the account from now on; whether that is new."""
        follower_id = viewer.signed_in()
        _refuse_oneself(follower_id, account_id)
        return await self._store.add(Follow(follower_id, account_id, self._clock()))

    async def unfollow(self, viewer: Viewer, account_id: int) -> bool:
        """The viewer follows the account no longer; whether that is new."""
        follower_id = viewer.signed_in()
        _refuse_oneself(follower_id, account_id)
        return await self._store.remove(follower_id, account_id)

    async def counts(self, account_ids: Iterable[int]) -> list[FollowCounts]:
        """One for each account, in order."""
        wanted = list(dict.fromkeys(account_ids))
        found: Mapping[int, FollowCounts] = {counts.account_id: counts for counts in await self._store.counts(wanted)}
        return [found.get(account_id) or FollowCounts(account_id) for account_id in wanted]

    async def followees(self, account_ids: Iterable[int]) -> Mapping[int, Sequence[int]]:
        """Whom each account follows, by id; those that follow nobody are left out."""
        return await self._store.followees(set(account_ids))

    async def audiences(self, account_ids: Iterable[int]) -> Sequence[Audience]:
        """One for each account."""
        return await self._store.audiences(list(dict.fromkeys(account_ids)), since=self._clock() - WEEK)

    async def suggestions(self, questions: Sequence[SuggestionQuestion]) -> Sequence[Sequence[int]]:
        """Ids of accounts worth following for each question, in the same order, the most followed first."""
        return await self._store.most_followed(questions)


def _refuse_oneself(follower_id: int, account_id: int) -> None:
    if follower_id == account_id:
        raise InvalidArgument("accountId", "must be another account than one's own")
