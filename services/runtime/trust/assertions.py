"""Short-lived words that one process signs and another believes: who calls, and for whom."""

import json
import time
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from cachebox import LRUCache
from joserfc import jws
from joserfc.errors import JoseError

from schema.generated.identity.v1 import identity_pb2
from services.runtime.trust.keys import Keys, owner_of

ISSUER = "account"
"""The only backend whose word on viewers is believed: it keeps the sessions."""
LIFE_SECONDS = 300
"""How long an assertion counts. A new one is made when less than half of that is left."""
SKEW_SECONDS = 30
"""How far apart the clocks of two machines may be."""
MOST_REMEMBERED = 20_000
"""How many assertions a process remembers having made, or checked."""
ALGORITHM = "Ed25519"
VIEWER, CALLER = "viewer+jwt", "caller+jwt"
Now = Callable[[], float]


class NotProven(Exception):
    """What somebody claims is not proven; the message says why, without the claim."""


class _Issued(NamedTuple):
    text: str
    renew_at: float

    def __repr__(self) -> str:
        return f"_Issued(renew_at={self.renew_at})"


class _Checked(NamedTuple):
    kind: str
    signer: str
    claims: dict[str, Any]


class _Signer:
    """Signs claims with the key of one process, and remembers what it signed."""

    def __init__(self, keys: Keys, name: str, kind: str, now: Now) -> None:
        self._keys = keys
        self._name = name
        self._kind = kind
        self._now = now
        self._issued: LRUCache[Any, _Issued] = LRUCache(MOST_REMEMBERED)

    def signed(self, **claims: Any) -> str:
        """The claims, signed; the same words as before while they count for long enough."""
        now, about = self._now(), tuple(claims.values())
        known = self._issued.get(about)
        if known is None or known.renew_at <= now:
            known = _Issued(self._sign({**claims, "exp": int(now) + LIFE_SECONDS}), now + LIFE_SECONDS / 2)
            self._issued[about] = known
        return known.text

    def _sign(self, claims: dict[str, Any]) -> str:
        key = self._keys.own(self._name)
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": self._kind}
        return jws.serialize_compact(header, json.dumps(claims, separators=(",", ":")), key, [ALGORITHM])


class Issuer:
    """Makes what proves viewers; only the account backend has the key for it."""

    def __init__(self, keys: Keys, now: Now = time.time) -> None:
        self._signer = _Signer(keys, ISSUER, VIEWER, now)

    def viewer(self, account_id: int, account_type: "identity_pb2.AccountType.ValueType") -> identity_pb2.Viewer:
        """The account as a viewer that every backend believes for some minutes."""
        assertion = self._signer.signed(sub=str(account_id), type=int(account_type))
        return identity_pb2.Viewer(account_id=account_id, account_type=account_type, assertion=assertion)


class Caller:
    """Makes what proves one process to the backends that it calls."""

    def __init__(self, keys: Keys, name: str, now: Now = time.time) -> None:
        self._signer = _Signer(keys, name, CALLER, now)

    def proof(self, backend: str, method: str) -> str:
        """Proves the caller to this backend, for calls of the method with this path; it is of no other use."""
        return self._signer.signed(aud=backend, method=method)


class Verifier:
    """Checks what others signed."""

    def __init__(self, keys: Keys, now: Now = time.time) -> None:
        self._keys = keys
        self._now = now
        self._checked: LRUCache[str, _Checked] = LRUCache(MOST_REMEMBERED)

    def check_viewer(self, viewer: identity_pb2.Viewer) -> None:
        """Raises NotProven unless the viewer is a guest, or the account that the account backend says it is."""
        if not viewer.account_id and viewer.account_type == identity_pb2.ACCOUNT_TYPE_GUEST:
            return
        checked = self._believed(viewer.assertion, VIEWER)
        if checked.signer != ISSUER:
            raise NotProven(f"{checked.signer} does not say who somebody is")
        if checked.claims.get("sub") != str(viewer.account_id) or checked.claims.get("type") != viewer.account_type:
            raise NotProven("the assertion is about somebody else")

    def caller(self, proof: str, backends: Collection[str], method: str) -> str:
        """The name of the caller who proves itself to one of these backends, for this method; raises NotProven."""
        checked = self._believed(proof, CALLER)
        if checked.claims.get("aud") not in backends:
            raise NotProven("the proof is meant for another backend")
        if checked.claims.get("method") != method:
            raise NotProven("the proof is meant for another method")
        return checked.signer

    def _believed(self, text: str, kind: str) -> _Checked:
        known = self._checked.get(text)
        checked = known or self._check(text)
        if checked.kind != kind:
            raise NotProven("it is something else that was signed")
        self._check_time(checked.claims["exp"])
        if known is None:  # Not what will count one day: the key may be forgotten until then.
            self._checked[text] = checked
        return checked

    def _check_time(self, expires_at: int) -> None:
        now = self._now()
        if expires_at <= now - SKEW_SECONDS:
            raise NotProven("its time is over")
        if expires_at > now + LIFE_SECONDS + SKEW_SECONDS:
            raise NotProven("it counts for longer than anybody is believed")

    def _check(self, text: str) -> _Checked:
        """What was signed and by whom, whether it counts now or not."""
        if not text:
            raise NotProven("there is no assertion")
        try:
            found = jws.extract_compact(text.encode())
            header = found.headers()
            key_id = str(header.get("kid"))
            key = self._keys.public(key_id)
            if key is None or not jws.validate_compact(found, key, [ALGORITHM]):
                raise NotProven("nobody known has signed it")
            claims = json.loads(found.payload)
            if not isinstance(claims["exp"], int):
                raise NotProven("it is no assertion")
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise NotProven("it is no assertion") from error
        return _Checked(str(header.get("typ")), owner_of(key_id), claims)
