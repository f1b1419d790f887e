"""An entry is what was put under its key, or it is spoiled."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.caching.sealing import Spoiled, seal, unseal


@given(key=st.text(), version=st.integers(0, 2**31), asked_at=st.integers(0, 2**40), payload=st.binary())
def test_what_was_sealed_is_unsealed(key: str, version: int, asked_at: int, payload: bytes) -> None:
    assert unseal(key, seal(key, version, asked_at, payload)) == (asked_at, payload)


def test_an_entry_begins_with_its_version() -> None:
    assert re.match(rb"V7:", seal("k", 7, 1.0, b"x"))


def test_no_two_entries_are_equal() -> None:
    assert seal("k", 7, 1.0, b"x") != seal("k", 7, 1.0, b"x")


def test_an_entry_under_another_key_is_spoiled() -> None:
    with pytest.raises(Spoiled):
        unseal("/lane/account_by_id/2", seal("/lane/account_by_id/1", 7, 1.0, b"x"))


@pytest.mark.parametrize("secret", [b"", b"another", b"own"])
def test_only_who_knows_the_secret_seals(secret: bytes) -> None:
    entry = seal("k", 7, 1.0, b"x", b"own")
    if secret == b"own":
        assert unseal("k", entry, secret).payload == b"x"
    else:
        with pytest.raises(Spoiled):
            unseal("k", entry, secret)


@given(nonsense=st.binary(max_size=60))
def test_nonsense_is_spoiled(nonsense: bytes) -> None:
    with pytest.raises(Spoiled):
        unseal("k", nonsense)


@given(nonsense=st.binary(max_size=60))
def test_nonsense_that_begins_well_is_spoiled(nonsense: bytes) -> None:
    with pytest.raises(Spoiled):
        unseal("k", b"V12:" + nonsense)


@given(place=st.integers(0, 100), bit=st.integers(0, 7))
def test_an_entry_of_which_one_bit_changed_is_spoiled(place: int, bit: int) -> None:
    entry = bytearray(seal("k", 7, 1.0, b"some payload"))
    entry[place % len(entry)] ^= 1 << bit
    with pytest.raises(Spoiled):
        unseal("k", bytes(entry))


def test_an_entry_of_another_format_is_spoiled() -> None:
    entry = bytearray(seal("k", 7, 1.0, b"x"))
    entry[3] += 1
    with pytest.raises(Spoiled):
        unseal("k", bytes(entry))
