"""Accounts to test with, and stores in memory that fit the ports of the business."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from schema.errcode import AccountNotFound, HandleTaken, VersionConflict
from services.account.biz import (
    Account,
    AccountStatus,
    AccountType,
    BusinessAttributes,
    CreatorAttributes,
    Credential,
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

    async def by_ids(self, ids: Collection[int]) -> dict[int, Account]:
        self.asked.append(sorted(ids))
        return {key: account for key, account in self.accounts.items() if key in ids}

    async def by_handle_keys(self, keys: Collection[str]) -> list[Account]:
        self.asked.append(sorted(keys))
        return [account for account in self.accounts.values() if handle_key(account.handle) in keys]

    async def stored(self, account_id: int) -> Account | None:
        return self.accounts.get(account_id)

    async def save(self, account: Account) -> Account:
        stored = self.accounts.get(account.id)
        if stored is None:
            raise AccountNotFound(account.id)
        if stored.version != account.version:
            raise VersionConflict(account.version)
        if any(account.handle == held.handle for held in self.accounts.values() if held.id != account.id):
            raise HandleTaken(account.handle)
        self.accounts[account.id] = replace(account, version=account.version + 1)
        return self.accounts[account.id]

    async def teams(self, business_ids: Collection[int]) -> dict[int, list[int]]:
        return {CORP.id: [9, 8]} if CORP.id in business_ids else {}

    async def pending_closures(self, first: int) -> list[int]:
        self.asked.append(first)
        return [51, 50, 52][:first]


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


class PlainPasswords:
    """Hashes that anybody can read: today's begin with "new ", older ones with "old "."""

    def __init__(self) -> None:
        self.compared: list[str | None] = []

    async def match(self, password: str, password_hash: str | None) -> bool:
        self.compared.append(password_hash)
        return password_hash in (f"old {password}", f"new {password}")

    async def renew(self, password: str, password_hash: str) -> str | None:
        return f"new {password}" if password_hash.startswith("old ") else None
