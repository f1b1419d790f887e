"""What the business asks of the outside; who is asked fits these."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from services.account.biz.events import Happening
from services.account.biz.words import Account, AccountFilter, Claimed, Credential, Session


class Ids(Protocol):
    """Makes ids."""

    async def next_id(self) -> int:
        """A new id, greater than every one before."""
        ...


class AccountRepo(Protocol):
    """Where accounts are kept."""

    async def by_ids(self, ids: Collection[int]) -> dict[int, Account]:
        """Those that exist, whatever their status; none older than a change that was complete when this was asked."""
        ...

    async def by_handle_keys(self, keys: Collection[str]) -> list[Account]:
        """Those that exist with these handles in lower case."""
        ...

    async def stored(self, account_id: int) -> Account | None:
        """As the store has it, not a cache."""
        ...

    async def search(self, wanted: AccountFilter) -> list[Account]:
        """Those that match, by id, as the store has them; at most `wanted.first`."""
        ...

    async def merging_into(self, account_id: int) -> list[int]:
        """Ids of the accounts that are being merged into this one, in order."""
        ...

    async def create(self, account: Account, password_hash: str, happening: Happening) -> None:
        """Keeps a new account and tells of it. Raises HandleTaken."""
        ...

    async def save(self, account: Account, happening: Happening) -> Account:
        """Keeps all of it if `account.version` is still the stored one, and tells of it; answers the next version.

        Raises AccountNotFound, VersionConflict, HandleTaken.
        """
        ...

    async def teams(self, business_ids: Collection[int]) -> dict[int, list[int]]:
        """Ids of the members who are not CLOSED, in order of joining, of those that have a team."""
        ...

    async def pending_closures(self, first: int) -> list[int]:
        """Ids of the CLOSING accounts, those that close first coming first; at most `first`."""
        ...


class Change(Protocol):
    """A transaction that holds some accounts: nobody else changes them until it ends."""

    @property
    def accounts(self) -> Mapping[int, Account]:
        """The accounts it holds, by id, as they were when it began; those that exist."""
        ...

    async def merging_into(self, account_id: int) -> list[int]:
        """Ids of the accounts that are being merged into this one, in order."""
        ...

    async def merged_into(self, account_id: int) -> list[Account]:
        """The accounts that were merged into this one, held from now on, by id."""
        ...

    async def save(self, account: Account, happening: Happening) -> Account:
        """Keeps all of an account that it holds, and tells of it; answers the next version."""
        ...

    async def end_sessions(self, account_id: int) -> None:
        """Ends all sessions of the account."""
        ...

    async def forget_password(self, account_id: int) -> None:
        """Removes the password hash of the account."""
        ...

    async def leave_teams(self, account_id: int) -> None:
        """Takes the account out of every team, and everybody out of its own."""
        ...

    async def move_teams(self, source_id: int, target_id: int) -> None:
        """Gives the target the source's places in teams, and the source's own team, where it has them not yet."""
        ...


class ChangeRepo(Protocol):
    """Where accounts are changed several things at a time: all of it or nothing."""

    def changing(self, *account_ids: int) -> AbstractAsyncContextManager[Change]:
        """A change that is done at the end of the block, and undone when the block raises."""
        ...

    async def due(self, now: datetime, first: int) -> list[int]:
        """Ids of the CLOSING accounts whose period is over and that no other is being merged into; at most `first`.

        Those whose period ended first come first.
        """
        ...


class CredentialRepo(Protocol):
    """Where password hashes are kept."""

    async def by_handle_key(self, key: str) -> Credential | None:
        """Of the account with this handle in lower case."""
        ...

    async def replace_hash(self, credential: Credential, password_hash: str) -> None:
        """Keeps the new hash, unless somebody has changed the old one meanwhile."""
        ...


class SessionRepo(Protocol):
    """Where sessions are kept."""

    async def by_hashes(self, hashes: Collection[str]) -> dict[str, Session]:
        """Those that exist, also when their time is over."""
        ...

    async def open(self, session: Session) -> None:
        """Keeps a new session."""
        ...

    async def end(self, token_hash: str) -> datetime | None:
        """Removes a session; answers when it would have expired, None when there was none."""
        ...

    async def count_open(self, account_id: int, now: datetime) -> int:
        """How many sessions of the account count at this moment."""
        ...

    async def move_open(self, source_id: int, target_id: int, now: datetime) -> int:
        """Gives the target all sessions of the source that count at this moment; how many that were."""
        ...

    async def purge(self, before: datetime, first: int) -> int:
        """Removes sessions that expired before this moment, at most so many; how many that were."""
        ...

    async def any_expired(self, before: datetime) -> bool:
        """Whether there is a session that expired before this moment."""
        ...


class IdentityProvider(Protocol):
    """Somebody outside who lets accounts in."""

    def may_have_issued(self, token: str) -> bool:
        """Whether the token looks like one of theirs."""
        ...

    async def read(self, token: str) -> Claimed:
        """Whom the token is for.

        Raises TokenExpired; Unauthenticated when they did not issue it for us; BackendUnavailable when that cannot be
        told.
        """
        ...


class Passwords(Protocol):
    """Hashes passwords, without stopping the event loop."""

    async def hash(self, password: str) -> str:
        """A hash by today's parameters."""
        ...

    async def match(self, password: str, password_hash: str | None) -> bool:
        """Whether the hash is of this password; takes as long to say no when there is no hash."""
        ...

    async def renew(self, password: str, password_hash: str) -> str | None:
        """A new hash when the old one was made by other parameters than today's, else None."""
        ...
