"""Who signs in, who signs out, and who is signed in."""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from schema.errcode import AccountClosed, BadCredentials
from services.account.biz.outside import Outside
from services.account.biz.ports import AccountRepo, CredentialRepo, Passwords, SessionRepo
from services.account.biz.rules import handle_key, token_hash
from services.account.biz.words import ACTING, Account, OpenedSession, Session, SessionState, VerifiedSession
from services.runtime.clock import Clock

SESSION_LIFETIME = timedelta(days=30)


class Sessions:
    """Signs in and out, and says who is signed in."""

    def __init__(
        self,
        accounts: AccountRepo,
        credentials: CredentialRepo,
        sessions: SessionRepo,
        passwords: Passwords,
        clock: Clock,
        outside: Outside | None = None,
        lifetime: timedelta = SESSION_LIFETIME,
    ) -> None:
        """`outside` knows tokens that are no sessions of ours."""
        self._accounts = accounts
        self._credentials = credentials
        self._sessions = sessions
        self._passwords = passwords
        self._clock = clock
        self._outside = outside
        self._lifetime = lifetime

    async def sign_in(self, handle: str, password: str) -> OpenedSession:
        """Opens a session; raises BadCredentials, or AccountClosed once the password was right."""
        key = handle_key(handle)
        credential = await self._credentials.by_handle_key(key) if key else None
        matches = await self._passwords.match(password, credential.password_hash if credential else None)
        if credential is None or not matches:
            raise BadCredentials
        if credential.account.status not in ACTING:
            raise AccountClosed
        if renewed := await self._passwords.renew(password, credential.password_hash):
            await self._credentials.replace_hash(credential, renewed)
        return await self._open(credential.account)

    async def sign_out(self, token: str) -> bool:
        """Ends the session; whether it was open until now."""
        expires_at = await self._sessions.end(token_hash(token))
        return expires_at is not None and expires_at > self._clock()

    async def verify(self, tokens: Sequence[str]) -> list[VerifiedSession]:
        """What stands behind each token, in order."""
        theirs = await self._outside.found(tokens) if self._outside else {}
        found = {**await self._ours(token for token in tokens if token not in theirs), **theirs}
        now = self._clock()
        ids = {one.account_id for one in found.values() if isinstance(one, Session) and one.expires_at > now}
        accounts = await self._accounts.by_ids(ids) if ids else {}
        return [_verified(found.get(token, SessionState.UNKNOWN), accounts, now) for token in tokens]

    async def _ours(self, tokens: Iterable[str]) -> dict[str, Session]:
        hashes = {token: token_hash(token) for token in tokens}
        sessions = await self._sessions.by_hashes({*hashes.values()}) if hashes else {}
        return {token: sessions[key] for token, key in hashes.items() if key in sessions}

    async def purge(self, before: datetime, limit: int) -> tuple[int, bool]:
        """Removes at most so many sessions that expired before this moment; how many, and whether more did."""
        # A session that is still open is never removed, whatever moment is asked for.
        over = min(before, self._clock())
        removed = await self._sessions.purge(over, limit)
        return removed, removed == limit and await self._sessions.any_expired(over)

    async def _open(self, account: Account) -> OpenedSession:
        token, now = secrets.token_urlsafe(32), self._clock()
        session = Session(token_hash(token), account.id, now, now + self._lifetime)
        await self._sessions.open(session)
        return OpenedSession(token, session.expires_at, account)


def _verified(session: Session | SessionState, accounts: dict[int, Account], now: datetime) -> VerifiedSession:
    if isinstance(session, SessionState):
        return VerifiedSession(session)
    if session.expires_at <= now:
        return VerifiedSession(SessionState.EXPIRED)
    if (account := accounts.get(session.account_id)) is None:
        return VerifiedSession(SessionState.UNKNOWN)
    return VerifiedSession(SessionState.VALID, account, session.expires_at)
