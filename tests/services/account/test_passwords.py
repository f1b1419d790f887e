"""How passwords are compared: off the event loop, and at the same cost whether or not there is an account."""

import asyncio
from typing import Literal

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError

from services.account.data import Argon2Passwords
from services.account.data.passwords import AT_ONCE, todays_hasher


class NotingHasher(PasswordHasher):
    """Notes what it compared with, and how many comparisons ran at once."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.compared: list[str | bytes] = []
        self.running = self.most_running = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 - as the library names it
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.compared.append(hash)
        try:
            return super().verify(hash, password)
        finally:
            self.running -= 1


def test_hashes_are_made_by_at_least_what_owasp_asks() -> None:
    made = extract_parameters(todays_hasher().hash("secret"))
    assert (made.type, made.memory_cost, made.time_cost, made.parallelism) == (Type.ID, 19_456, 2, 1)


async def test_only_the_right_password_matches() -> None:
    passwords, password_hash = Argon2Passwords(), todays_hasher().hash("secret")
    assert await passwords.match("secret", password_hash)
    assert not await passwords.match("Secret", password_hash)


async def test_nobodys_password_is_compared_by_the_same_parameters_and_never_matches() -> None:
    hasher = NotingHasher()
    passwords = Argon2Passwords(hasher)
    assert not await passwords.match("secret", None)
    assert not await passwords.match("secret", hasher.hash("other"))
    nobodys, somebodys = [extract_parameters(str(compared)) for compared in hasher.compared]
    assert nobodys == somebodys


async def test_the_loop_goes_on_while_a_password_is_compared() -> None:
    passwords = Argon2Passwords()
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        counting = group.create_task(count_turns())
        await passwords.match("secret", None)
        counting.cancel()
    assert turns > 10


async def test_only_so_many_comparisons_run_at_once() -> None:
    hasher = NotingHasher()
    passwords = Argon2Passwords(hasher)
    await asyncio.gather(*(passwords.match("secret", None) for _ in range(40)))
    assert len(hasher.compared) == 40
    assert hasher.most_running <= AT_ONCE


async def test_a_hash_made_by_other_parameters_is_renewed_by_todays() -> None:
    passwords = Argon2Passwords()
    renewed = await passwords.renew("secret", NotingHasher().hash("secret"))
    assert renewed is not None
    assert await passwords.match("secret", renewed)
    assert await passwords.renew("secret", renewed) is None


async def test_a_hash_that_is_none_is_a_failure_not_a_wrong_password() -> None:
    with pytest.raises(InvalidHashError):
        await Argon2Passwords().match("secret", "nonsense")
