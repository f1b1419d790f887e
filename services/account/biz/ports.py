"""What the business asks of the outside; who is asked fits these."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from services.account.biz.words import Account, Credential, Session


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

    async def save(self, account: Account) -> Account:
        """Keeps all of it if `account.version` is still the stored one; answers it with the next version.

        Raises AccountNotFound, VersionConflict, HandleTaken.
        """
        ...

    async def teams(self, business_ids: Collection[int]) -> dict[int, list[int]]:
        """Ids of the members who are not CLOSED, in order of joining, of those that have a team."""
        ...

    async def pending_closures(self, first: int) -> list[int]:
        """Ids of the CLOSING accounts, those that close first coming first; at most `first`."""
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


class Passwords(Protocol):
    """Hashes passwords, without stopping the event loop."""

    async def match(self, password: str, password_hash: str | None) -> bool:
        """Whether the hash is of this password; takes as long to say no when there is no hash."""
        ...

    async def renew(self, password: str, password_hash: str) -> str | None:
        """A new hash when the old one was made by other parameters than today's, else None."""
        ...
