"""An identity provider of a few lines: keys that change, tokens of any kind, a page that can be down."""

import json
import time
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.runtime.provider import Provider

ISSUER, AUDIENCE = "https://login.example.org", "atrium"
RSA = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec-1", "use": "sig"})
NEXT = RSAKey.generate_key(2048, {"kid": "rsa-2", "use": "sig"})


def settings(keys_url: str = "http://127.0.0.1:1/keys", **changed: Any) -> Provider:
    changed.setdefault("fetch_seconds", 60)  # No test is about a machine that is slow.
    return Provider(issuer=ISSUER, audience=AUDIENCE, keys_url=keys_url, **changed)


class Careless(jws.JWSRegistry):
    """Signs under any header."""

    max_header_length = 1_000_000

    def check_header(self, header: dict[str, Any]) -> None:
        """Anything goes."""


class Issuer:
    """Publishes keys, and signs what a test wants."""

    def __init__(self, *keys: Key) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.status = 200
        self.app = Starlette(routes=[Route("/keys", self._publish)])

    async def _publish(self, _request: Request) -> Response:
        self.asked += 1
        return JSONResponse(self.published(), self.status)

    def published(self) -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False) for key in self.keys]}

    async def fetch(self) -> bytes:
        """What the page says, without a network."""
        self.asked += 1
        if self.status != 200:
            raise OSError("the issuer is down")
        return json.dumps(self.published()).encode()


def token(
    subject: Any = "1",
    key: Key = RSA,
    algorithm: str = "RS256",
    *,
    now: float | None = None,
    header: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    """A token that lets the subject in for an hour, but for what is said otherwise; None leaves a claim out."""
    begun = int(now or time.time())
    payload = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": begun, "exp": begun + 3600, **claims}
    text = json.dumps({name: value for name, value in payload.items() if value is not None})
    protected = {"alg": algorithm, "kid": key.kid, **(header or {})}
    registry = Careless(algorithms=[algorithm])
    return jws.serialize_compact(
        {name: value for name, value in protected.items() if value is not None}, text, key, registry=registry
    )


def shared(key: RSAKey) -> OctKey:
    """The public key, taken for a secret: what a confused verifier would do."""
    return OctKey.import_key(json.dumps(key.as_dict(private=False), sort_keys=True), {"kid": "rsa-1"})
