"""Passwords, hashed by Argon2id in a thread of their own."""

import asyncio
import base64
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import ARGON2_VERSION

MEMORY_KIB = 19 * 1024
TIME_COST = 2
PARALLELISM = 1
"""The least that the OWASP Password Storage Cheat Sheet (2025) asks of Argon2id: 19 MiB, 2 passes, 1 lane."""
AT_ONCE = 4
"""How many hashes may be under way, so that sign-ins cannot take all memory and every thread."""


def todays_hasher() -> PasswordHasher:
    """Makes hashes by the parameters above."""
    return PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=PARALLELISM)


def nobodys_hash(hasher: PasswordHasher) -> str:
    """What no password has as its hash, as far as anybody knows; to compare one with it takes as long as with any.

    It is not made by hashing, which would cost each start the memory and the time of a sign-in.
    """
    parameters = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    salt, digest = _random(hasher.salt_len), _random(hasher.hash_len)
    return f"$argon2{hasher.type.name.lower()}$v={ARGON2_VERSION}${parameters}${salt}${digest}"


def _random(length: int) -> str:
    """So many bytes that nobody knows, in base64 without padding."""
    return base64.b64encode(secrets.token_bytes(length)).rstrip(b"=").decode()


class Argon2Passwords:
    """Hashes and compares passwords off the event loop."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or todays_hasher()
        self._nobodys_hash = nobodys_hash(self._hasher)
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        """A hash by today's parameters."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def match(self, password: str, password_hash: str | None) -> bool:
        """Whether the hash is of this password. None is compared as well: the time must not tell who has an account."""
        async with self._turn:
            matches = await asyncio.to_thread(self._matches, password, password_hash or self._nobodys_hash)
        return matches and password_hash is not None

    async def renew(self, password: str, password_hash: str) -> str | None:
        """A new hash when the old one was made by other parameters than today's, else None."""
        if not self._hasher.check_needs_rehash(password_hash):
            return None
        return await self.hash(password)

    def _matches(self, password: str, password_hash: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except VerifyMismatchError:
            return False
