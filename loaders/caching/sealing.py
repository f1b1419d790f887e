"""Answers as the shared cache holds them: sealed, so that what is not what was put there is not taken for it."""

import secrets
import struct
import zlib
from typing import NamedTuple

FORMAT = 1
"""Goes up when the meaning of the bytes changes; entries of another format are dropped."""
_HEADER = struct.Struct(">BQI4s")
_VERSION_DIGITS = 12
"""As many as the greatest version of an account has, and two more."""


class Spoiled(Exception):
    """The entry is not what was put under this key."""


class Sealed(NamedTuple):
    """What an entry tells."""

    asked_at: float
    """When its source was asked, in seconds by the clock of whoever asked."""
    payload: bytes


def seal(key: str, version: int, asked_at: float, payload: bytes) -> bytes:
    """The entry: no two are equal, so that whoever renews one can tell whether it still stands."""
    check = zlib.crc32(payload, zlib.crc32(key.encode()))
    return b"V%d:" % version + _HEADER.pack(FORMAT, int(asked_at * 1000), check, secrets.token_bytes(4)) + payload


def unseal(key: str, entry: bytes) -> Sealed:
    """What an entry tells; raises Spoiled."""
    prefix, colon, _ = entry[: _VERSION_DIGITS + 2].partition(b":")
    if not colon or prefix[:1] != b"V" or not prefix[1:].isdigit() or len(entry) < len(prefix) + 1 + _HEADER.size:
        raise Spoiled
    start = len(prefix) + 1
    number, asked_at, check, _ = _HEADER.unpack_from(entry, start)
    payload = entry[start + _HEADER.size :]
    if number != FORMAT or check != zlib.crc32(payload, zlib.crc32(key.encode())):
        raise Spoiled
    return Sealed(asked_at / 1000, payload)
