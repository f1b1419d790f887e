"""Accounts that an identity provider outside lets in."""

import re
from collections.abc import Collection, Iterable, Mapping

from schema.errcode import BackendUnavailable, TokenExpired, Unauthenticated
from services.account.biz.ports import AccountRepo, IdentityProvider
from services.account.biz.rules import handle_key
from services.account.biz.words import Claimed, Session, SessionState

_LARGEST_ID = 2**63 - 1
"""No store can be asked for a larger one: it would fail for all who are verified together."""
_ACCOUNT_ID = re.compile(r"(?:acc_)?([1-9][0-9]{0,18})", re.ASCII)


class Outside:
    """What stands behind the tokens of a provider."""

    def __init__(self, provider: IdentityProvider, accounts: AccountRepo, *, by_handle: bool) -> None:
        """`by_handle` says that the provider names accounts by their handles rather than by their ids."""
        self._provider = provider
        self._accounts = accounts
        self._by_handle = by_handle

    async def found(self, tokens: Iterable[str]) -> dict[str, Session | SessionState]:
        """What stands behind those of the tokens that the provider may have issued; others are left out."""
        theirs = [token for token in dict.fromkeys(tokens) if self._provider.may_have_issued(token)]
        read = {token: await self._read(token) for token in theirs}
        ids = await self._ids({claimed.subject for claimed in read.values() if isinstance(claimed, Claimed)})
        return {token: _session(claimed, ids) for token, claimed in read.items()}

    async def _read(self, token: str) -> Claimed | SessionState:
        try:
            return await self._provider.read(token)
        except TokenExpired:
            return SessionState.EXPIRED
        except BackendUnavailable:
            return SessionState.UNVERIFIED
        except Unauthenticated:
            return SessionState.UNKNOWN

    async def _ids(self, subjects: Collection[str]) -> Mapping[str, int]:
        """The id of each account that is named; what is no name is left out."""
        if not self._by_handle:
            ids = {subject: int(found[1]) for subject in subjects if (found := _ACCOUNT_ID.fullmatch(subject))}
            return {subject: account_id for subject, account_id in ids.items() if account_id <= _LARGEST_ID}
        keys = {subject: key for subject in subjects if (key := handle_key(subject))}
        named = await self._accounts.by_handle_keys({*keys.values()}) if keys else []
        known = {account.handle.lower(): account.id for account in named}
        return {subject: known[key] for subject, key in keys.items() if key in known}


def _session(claimed: Claimed | SessionState, ids: Mapping[str, int]) -> Session | SessionState:
    if isinstance(claimed, SessionState):
        return claimed
    if claimed.subject not in ids:
        return SessionState.UNKNOWN
    return Session("", ids[claimed.subject], claimed.expires_at, claimed.expires_at)
