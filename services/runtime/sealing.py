"""Seals on what stands in a cache: that one of us put it there, under this very key.

A cache answers whoever reaches it, and what it says decides who somebody is.
"""

import hashlib
import hmac
from collections.abc import Callable

SEAL_BYTES = 16
Secret = Callable[[], bytes]
"""What only those know who may put something there; another one after a rotation of keys."""


def no_secret() -> bytes:
    """For a cache that nobody else reaches: a seal then tells accidents only."""
    return b""


def sealed(secret: bytes, key: str, content: bytes) -> bytes:
    """The seal for the content under the key."""
    name = key.encode()
    # With its length, so that no part of the key can become one of the content.
    words = len(name).to_bytes(4) + name + content
    return hashlib.blake2b(words, key=secret, digest_size=SEAL_BYTES).digest()


def is_sealed(secret: bytes, key: str, content: bytes, seal: bytes) -> bool:
    """Whether this is the seal for it."""
    return hmac.compare_digest(sealed(secret, key, content), seal)
