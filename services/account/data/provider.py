"""An identity provider outside: its keys, and the tokens that it signs (JWT, RFC 7519, by the advice of RFC 8725)."""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from schema.errcode import BackendUnavailable, TokenExpired, Unauthenticated
from services.account.biz import Claimed
from services.runtime.clock import Clock
from services.runtime.provider import Provider
from services.runtime.worker import Worker

_log = structlog.get_logger(__name__)

NAME = "issuer"
"""What the provider is called where it does not answer."""
MOST_BYTES = 262_144
KINDS: dict[str, type[RSAKey | ECKey | OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
"""Keys with a public half. Others that an issuer might publish are no keys to us."""
UNREADABLE = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
Fetch = Callable[[], Awaitable[bytes]]


class ProviderKeys:
    """The public keys of a provider: a `lifecycle.Server` that fetches them now and then, also when one is missing."""

    def __init__(self, fetch: Fetch, settings: Provider, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._settings = settings
        self._monotonic = monotonic
        self._keys: dict[str, Key] = {}
        self._tried_at = self._fetched_at = -math.inf
        self._fetching = asyncio.Lock()
        self._worker = Worker("keys of the identity provider", self._refresh)

    async def find(self, key_id: str) -> Key | None:
        """The key with this id, None when there is none; BackendUnavailable when that cannot be told."""
        if self._known(key_id) is None:
            await self._look_again(key_id)
        key = self._known(key_id)
        if key is None and not self._is_well:  # It may be a new key.
            raise BackendUnavailable(NAME)
        return key

    def _known(self, key_id: str) -> Key | None:
        too_old = self._monotonic() - self._fetched_at > self._settings.stale_seconds
        return None if too_old else self._keys.get(key_id)

    async def _look_again(self, key_id: str) -> None:
        """Fetches the keys, unless that was tried just now: made-up ids must not become requests to the provider."""
        async with self._fetching:
            waited = self._monotonic() - self._tried_at
            if self._known(key_id) is None and waited >= self._settings.retry_seconds:
                await self._take()

    async def _take(self) -> None:
        tell = _log.warning if self._is_well else _log.debug
        self._tried_at = self._monotonic()
        try:
            async with asyncio.timeout(self._settings.fetch_seconds):
                self._keys = keys_in(await self._fetch())
        except Exception as problem:  # Whatever is wrong there: the keys that are known go on being used.
            tell("keys of the identity provider could not be fetched", problem=type(problem).__name__)
        else:
            self._fetched_at = self._tried_at

    async def serve(self) -> None:
        """Fetches the keys until stopped, so that hardly any token waits for it."""
        await self._worker.serve()

    async def stop(self, grace: float) -> None:
        """Ends that."""
        await self._worker.stop(0)

    async def _refresh(self) -> float:
        async with self._fetching:
            await self._take()
        return self._settings.refresh_seconds if self._is_well else self._settings.retry_seconds

    @property
    def _is_well(self) -> bool:
        """Whether the last attempt to fetch the keys, if there was one, succeeded."""
        return self._fetched_at == self._tried_at


def keys_in(body: bytes) -> dict[str, Key]:
    """The public keys for signatures of a JWK set (RFC 7517), by id; what is none of these is left out."""
    found: dict[str, Key] = {}
    for one in json.loads(body)["keys"]:
        with suppress(*UNREADABLE):
            if one.get("use", "sig") == "sig":
                found[str(one["kid"])] = KINDS[one["kty"]].import_key(one)
    return found


class JwtProvider:
    """Fits `biz.IdentityProvider`."""

    def __init__(self, keys: ProviderKeys, settings: Provider, clock: Clock) -> None:
        self._keys = keys
        self._settings = settings
        self._clock = clock
        # Issuers have header parameters of their own; those that claim to be critical are refused all the same.
        self._registry = jws.JWSRegistry(algorithms=settings.algorithm_names, strict_check_header=False)

    def may_have_issued(self, token: str) -> bool:
        """Whether it is written like a JWS; sessions are not."""
        return token.count(".") == 2

    async def read(self, token: str) -> Claimed:
        """Whom the token is for; raises TokenExpired, Unauthenticated, BackendUnavailable."""
        try:
            signed = jws.extract_compact(token.encode(), registry=self._registry)
            header = signed.headers()
            self._registry.get_alg(header["alg"])  # What is signed by other means asks for no key.
            key = await self._keys.find(header["kid"])
            if key is None or not jws.validate_compact(signed, key, registry=self._registry):
                raise Unauthenticated
            return self._claimed(json.loads(signed.payload))
        except UNREADABLE as error:
            raise Unauthenticated from error

    def _claimed(self, claims: dict[str, Any]) -> Claimed:
        """What is claimed, of claims that are signed; raises ValueError when they are not for us, or not yet."""
        settings, now = self._settings, self._clock().timestamp()
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        subject, expires_at, begins_at = claims[settings.claim], _moment(claims["exp"]), _moment(claims.get("nbf", 0))
        if claims["iss"] != settings.issuer or settings.audience not in audiences or not isinstance(subject, str):
            raise ValueError("issued by another, for another, or for nobody")
        if begins_at > now + settings.skew_seconds:
            raise ValueError("begins later")
        if expires_at + settings.skew_seconds <= now:
            raise TokenExpired
        return Claimed(subject, datetime.fromtimestamp(expires_at + settings.skew_seconds, UTC))


def _moment(seconds: Any) -> float:
    """Seconds of the epoch, within the years that there are; ValueError for anything else."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 253_402_000_000:
        raise ValueError("is no moment")
    return float(seconds)
