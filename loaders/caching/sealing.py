"""Answers as the shared cache holds them: sealed, so that what is not what was put there is not taken for it."""

import secrets
import struct
from typing import NamedTuple

from services.runtime.sealing import SEAL_BYTES, is_sealed, sealed

FORMAT = 2
"""Goes up when the meaning of the bytes changes; entries of another format are dropped."""
_HEADER = struct.Struct(">BQ4s")
_VERSION_DIGITS = 12
"""As many as the greatest version of an account has, and two more."""


class Spoiled(Exception):
    """The entry is not what was put under this key."""


class Sealed(NamedTuple):
    """What an entry tells."""

    asked_at: float
    """When its source was asked, in seconds by the clock of whoever asked."""
    payload: bytes


def seal(key: str, version: int, asked_at: float, payload: bytes, secret: bytes = b"") -> bytes:
    """The entry: no two are equal, so that whoever renews one can tell whether it still stands."""
    head = b"V%d:" % version + _HEADER.pack(FORMAT, int(asked_at * 1000), secrets.token_bytes(4))
    return head + sealed(secret, key, head + payload) + payload


def unseal(key: str, entry: bytes, secret: bytes = b"") -> Sealed:
    """What an entry tells; raises Spoiled."""
    prefix, colon, _ = entry[: _VERSION_DIGITS + 2].partition(b":")
    start = len(prefix) + 1
    end = start + _HEADER.size
    if not colon or prefix[:1] != b"V" or not prefix[1:].isdigit() or len(entry) < end + SEAL_BYTES:
        raise Spoiled
    number, asked_at, _ = _HEADER.unpack_from(entry, start)
    payload = entry[end + SEAL_BYTES :]
    if number != FORMAT or not is_sealed(secret, key, entry[:end] + payload, entry[end : end + SEAL_BYTES]):
        raise Spoiled
    return Sealed(asked_at / 1000, payload)
