"""Accounts to test with, and stores in memory that fit the ports of the business."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from schema.errcode import AccountNotFound, HandleTaken, VersionConflict
from services.account.biz import (
    Account,
    AccountFilter,
    AccountStatus,
    AccountType,
    BusinessAttributes,
    CreatorAttributes,
    Credential,
    Happening,
    PersonalAttributes,
    Session,
    StaffAttributes,
    Viewer,
    handle_key,
)
from tests.conftest import NOON

ADA = Account(
    id=1,
    type=AccountType.PERSONAL,
    status=AccountStatus.ACTIVE,
    version=3,
    handle="Ada_L",
    display_name="Ada",
    avatar_url="https://cdn.example/1.png",
    bio="Reads.",
    created_at=NOON - timedelta(days=400),
    closes_at=None,
    attributes=PersonalAttributes(birthday=date(1990, 12, 10)),
)
BO = replace(
    ADA, id=2, type=AccountType.CREATOR, handle="bo", attributes=CreatorAttributes(category="Films", verified=True)
)
CORP = replace(
    ADA,
    id=3,
    type=AccountType.BUSINESS,
    handle="corp",
    attributes=BusinessAttributes(company_name="Corp Ltd", industry="Printing", verified=True),
)
SAM = replace(ADA, id=4, type=AccountType.STAFF, handle="sam", attributes=StaffAttributes(department="Care"))
EVERY_TYPE = {account.type: account for account in (ADA, BO, CORP, SAM)}
"""An account of each type that has everything an account of its type can have."""


def other(account_id: int, **changes: Any) -> Account:
    """An account like Ada's with an id and handle of its own."""
    return replace(ADA, id=account_id, **{"handle": f"other_{account_id}"} | changes)


def viewer(account: Account) -> Viewer:
    """The account as the one who asks."""
    return Viewer(account.id, account.type)


class MemoryAccounts:
    """Accounts in memory, and what was asked for."""

    def __init__(self, *accounts: Account) -> None:
        self.accounts = {account.id: account for account in accounts}
        self.asked: list[object] = []
        self.hashes: dict[int, str] = {}
        self.told: list[tuple[int, Happening]] = []

    async def by_ids(self, ids: Collection[int]) -> dict[int, Account]:
        self.asked.append(sorted(ids))
        return {key: account for key, account in self.accounts.items() if key in ids}

    async def by_handle_keys(self, keys: Collection[str]) -> list[Account]:
        self.asked.append(sorted(keys))
        return [account for account in self.accounts.values() if handle_key(account.handle) in keys]

    async def stored(self, account_id: int) -> Account | None:
        return self.accounts.get(account_id)

    async def search(self, wanted: AccountFilter) -> list[Account]:
        self.asked.append(wanted)
        found = [account for key, account in sorted(self.accounts.items()) if key > wanted.after_id]
        return found[: wanted.first]

    async def merging_into(self, account_id: int) -> list[int]:
        return sorted(key for key, account in self.accounts.items() if account.merging_into == account_id)

    async def create(self, account: Account, password_hash: str, happening: Happening) -> None:
        if await self.by_handle_keys([account.handle.lower()]):
            raise HandleTaken(account.handle)
        self.accounts[account.id] = account
        self.hashes[account.id] = password_hash
        self.told.append((account.id, happening))

    async def save(self, account: Account, happening: Happening) -> Account:
        stored = self.accounts.get(account.id)
        if stored is None:
            raise AccountNotFound(account.id)
        if stored.version != account.version:
            raise VersionConflict(account.version)
        if any(account.handle == held.handle for held in self.accounts.values() if held.id != account.id):
            raise HandleTaken(account.handle)
        self.accounts[account.id] = replace(account, version=account.version + 1)
        self.told.append((account.id, happening))
        return self.accounts[account.id]

    async def teams(self, business_ids: Collection[int]) -> dict[int, list[int]]:
        return {CORP.id: [9, 8]} if CORP.id in business_ids else {}

    async def pending_closures(self, first: int) -> list[int]:
        self.asked.append(first)
        return [51, 50, 52][:first]


class MemoryChange:
    """A change that writes at its end."""

    def __init__(self, repo: MemoryAccounts, ids: Collection[int]) -> None:
        self._repo = repo
        self.accounts = {key: repo.accounts[key] for key in ids if key in repo.accounts}
        self.saved: list[tuple[Account, Happening]] = []
        self.done: list[tuple[object, ...]] = []

    async def merging_into(self, account_id: int) -> list[int]:
        return await self._repo.merging_into(account_id)

    async def merged_into(self, account_id: int) -> list[Account]:
        return [one for _, one in sorted(self._repo.accounts.items()) if one.merged_into == account_id]

    async def save(self, account: Account, happening: Happening) -> Account:
        self.saved.append((account, happening))
        return replace(account, version=account.version + 1)

    async def end_sessions(self, account_id: int) -> None:
        self.done.append(("end_sessions", account_id))

    async def forget_password(self, account_id: int) -> None:
        self.done.append(("forget_password", account_id))

    async def leave_teams(self, account_id: int) -> None:
        self.done.append(("leave_teams", account_id))

    async def move_teams(self, source_id: int, target_id: int) -> None:
        self.done.append(("move_teams", source_id, target_id))


class MemoryChanges:
    """Changes of accounts in memory: all of a change or nothing, and what else was done."""

    def __init__(self, repo: MemoryAccounts) -> None:
        self._repo = repo
        self.done: list[tuple[object, ...]] = []

    @asynccontextmanager
    async def changing(self, *account_ids: int) -> AsyncIterator[MemoryChange]:
        change = MemoryChange(self._repo, account_ids)
        yield change
        self.done += change.done
        for account, happening in change.saved:
            await self._repo.save(account, happening)

    async def due(self, now: datetime, first: int) -> list[int]:
        due = [
            (account.closes_at, key)
            for key, account in self._repo.accounts.items()
            if account.status is AccountStatus.CLOSING and account.closes_at and account.closes_at <= now
        ]
        return [key for _, key in sorted(due)][:first]


class CountedIds:
    """Ids from 1001 on."""

    def __init__(self) -> None:
        self.last = 1000

    async def next_id(self) -> int:
        self.last += 1
        return self.last


class MemoryCredentials:
    """Password hashes in memory."""

    def __init__(self, **hashes: Credential) -> None:
        self.hashes = hashes

    async def by_handle_key(self, key: str) -> Credential | None:
        return self.hashes.get(key)

    async def replace_hash(self, credential: Credential, password_hash: str) -> None:
        key = handle_key(credential.account.handle)
        assert key is not None
        self.hashes[key] = replace(credential, password_hash=password_hash)


class MemorySessions:
    """Sessions in memory."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}

    async def by_hashes(self, hashes: Collection[str]) -> dict[str, Session]:
        return {key: session for key, session in self.sessions.items() if key in hashes}

    async def open(self, session: Session) -> None:
        self.sessions[session.token_hash] = session

    async def end(self, token_hash: str) -> datetime | None:
        session = self.sessions.pop(token_hash, None)
        return session.expires_at if session else None

    async def count_open(self, account_id: int, now: datetime) -> int:
        return len(self._open(account_id, now))

    async def move_open(self, source_id: int, target_id: int, now: datetime) -> int:
        moving = self._open(source_id, now)
        self.sessions |= {one.token_hash: replace(one, account_id=target_id) for one in moving}
        return len(moving)

    async def purge(self, before: datetime, first: int) -> int:
        over = [key for key, session in self.sessions.items() if session.expires_at < before][:first]
        for key in over:
            del self.sessions[key]
        return len(over)

    async def any_expired(self, before: datetime) -> bool:
        return any(session.expires_at < before for session in self.sessions.values())

    def _open(self, account_id: int, now: datetime) -> list[Session]:
        return [one for one in self.sessions.values() if one.account_id == account_id and one.expires_at > now]


class PlainPasswords:
    """Hashes that anybody can read: today's begin with "new ", older ones with "old "."""

    def __init__(self) -> None:
        self.compared: list[str | None] = []

    async def hash(self, password: str) -> str:
        return f"new {password}"

    async def match(self, password: str, password_hash: str | None) -> bool:
        self.compared.append(password_hash)
        return password_hash in (f"old {password}", f"new {password}")

    async def renew(self, password: str, password_hash: str) -> str | None:
        return f"new {password}" if password_hash.startswith("old ") else None
