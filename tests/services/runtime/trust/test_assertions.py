import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from schema.generated.identity.v1 import identity_pb2
from services.runtime.trust import Caller, Issuer, NotProven, Trust, Verifier, make_keys
from services.runtime.trust.assertions import CALLER, LIFE_SECONDS, SKEW_SECONDS, VIEWER

PERSONAL, STAFF, GUEST = (
    identity_pb2.ACCOUNT_TYPE_PERSONAL,
    identity_pb2.ACCOUNT_TYPE_STAFF,
    identity_pb2.ACCOUNT_TYPE_GUEST,
)


NOW = 1_800_000_000
LIST = "/banner.v1.BannerService/BatchListBanners"


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(trust: Trust, clock: Clock) -> Issuer:
    return Issuer(trust.keys, clock)


@pytest.fixture
def verifier(trust: Trust, clock: Clock) -> Verifier:
    return Verifier(trust.keys, clock)


def refused(verifier: Verifier, viewer: identity_pb2.Viewer) -> str:
    """Why the viewer is not believed."""
    with pytest.raises(NotProven) as caught:
        verifier.check_viewer(viewer)
    return str(caught.value)


def claiming(assertion: str, account_id: int = 7) -> identity_pb2.Viewer:
    return identity_pb2.Viewer(account_id=account_id, account_type=PERSONAL, assertion=assertion)


def test_a_viewer_is_believed_for_some_minutes(issuer: Issuer, verifier: Verifier, clock: Clock) -> None:
    viewer = issuer.viewer(7, PERSONAL)
    clock.now += LIFE_SECONDS + SKEW_SECONDS - 1
    verifier.check_viewer(viewer)
    clock.now += 1
    assert refused(verifier, viewer) == "its time is over"


def test_who_verifies_anew_does_not_believe_what_is_over_either(trust: Trust, issuer: Issuer, clock: Clock) -> None:
    viewer = issuer.viewer(7, PERSONAL)
    clock.now += LIFE_SECONDS + SKEW_SECONDS
    assert refused(Verifier(trust.keys, clock), viewer) == "its time is over"


@pytest.mark.parametrize(
    ("account_id", "account_type"), [(8, PERSONAL), (7, STAFF), (0, PERSONAL), (7, GUEST), (0, STAFF)]
)
def test_an_assertion_is_about_one_account_and_its_type(
    account_id: int, account_type: "identity_pb2.AccountType.ValueType", issuer: Issuer, verifier: Verifier
) -> None:
    assertion = issuer.viewer(7, PERSONAL).assertion
    other = identity_pb2.Viewer(account_id=account_id, account_type=account_type, assertion=assertion)
    assert refused(verifier, other) == "the assertion is about somebody else"


def test_a_guest_needs_no_proof_and_nobody_else_goes_without(verifier: Verifier) -> None:
    verifier.check_viewer(identity_pb2.Viewer(account_type=GUEST))
    for viewer in (
        claiming(""),
        identity_pb2.Viewer(account_type=STAFF),
        identity_pb2.Viewer(account_id=1, account_type=GUEST),
    ):
        assert refused(verifier, viewer) == "there is no assertion"


def test_the_same_words_are_used_again_while_half_of_their_time_is_left(issuer: Issuer, clock: Clock) -> None:
    first = issuer.viewer(7, PERSONAL)
    clock.now += LIFE_SECONDS / 2 - 1
    assert issuer.viewer(7, PERSONAL) == first
    assert issuer.viewer(7, STAFF).assertion != first.assertion
    clock.now += 1
    assert issuer.viewer(7, PERSONAL) != first


def signed_by(key: OKPKey | OctKey, header: dict[str, str], **claims: object) -> str:
    payload = {"sub": "7", "type": int(PERSONAL), "exp": NOW + LIFE_SECONDS, **claims}
    return jws.serialize_compact(header, json.dumps(payload), key, [header["alg"]])


def test_only_the_account_backend_says_who_somebody_is(trust: Trust, verifier: Verifier) -> None:
    gateway = trust.keys.own("gateway")
    forged = signed_by(gateway, {"alg": "Ed25519", "kid": str(gateway.kid), "typ": VIEWER})
    assert refused(verifier, claiming(forged)) == "gateway does not say who somebody is"


def test_a_key_is_not_another_by_its_name(trust: Trust, verifier: Verifier) -> None:
    account, own = trust.keys.own("account"), trust.keys.own("gateway")
    forged = signed_by(own, {"alg": "Ed25519", "kid": str(account.kid), "typ": VIEWER})
    unknown = signed_by(own, {"alg": "Ed25519", "kid": "account.other", "typ": VIEWER})
    assert [refused(verifier, claiming(text)) for text in (forged, unknown)] == ["nobody known has signed it"] * 2


def test_neither_no_signature_nor_the_public_key_as_a_secret_is_a_proof(trust: Trust, verifier: Verifier) -> None:
    account = trust.keys.own("account")
    header, _, rest = signed_by(account, {"alg": "Ed25519", "kid": str(account.kid), "typ": VIEWER}).partition(".")
    payload = rest.partition(".")[0]
    unsigned = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": account.kid, "typ": VIEWER}).encode())
    public = OctKey.import_key(json.dumps(account.as_dict(private=False)))
    hashed = signed_by(public, {"alg": "HS256", "kid": str(account.kid), "typ": VIEWER})
    for text in (f"{unsigned.decode().rstrip('=')}.{payload}.", f"{header}.{payload}.", hashed):
        with pytest.raises(NotProven):
            verifier.check_viewer(claiming(text))


@pytest.mark.parametrize("claims", [{"exp": None}, {"exp": "soon"}, {"exp": 9e99}, {"exp": NOW + 0.5}])
def test_what_has_no_end_counts_for_nothing(claims: dict[str, object], trust: Trust, verifier: Verifier) -> None:
    account = trust.keys.own("account")
    text = signed_by(account, {"alg": "Ed25519", "kid": str(account.kid), "typ": VIEWER}, **claims)
    assert refused(verifier, claiming(text)) == "it is no assertion"


@pytest.mark.parametrize("exp", [NOW + LIFE_SECONDS + SKEW_SECONDS + 1, 10**400])
def test_what_counts_for_too_long_counts_for_nothing(exp: int, trust: Trust, verifier: Verifier) -> None:
    account = trust.keys.own("account")
    forged = signed_by(account, {"alg": "Ed25519", "kid": str(account.kid), "typ": VIEWER}, exp=exp)
    assert refused(verifier, claiming(forged)) == "it counts for longer than anybody is believed"


def test_what_was_signed_for_later_does_not_outlive_its_key(
    trust: Trust, verifier: Verifier, clock: Clock, tmp_path: Path
) -> None:
    leaked = trust.keys.own("account")
    header = {"alg": "Ed25519", "kid": str(leaked.kid), "typ": VIEWER}
    shown = [claiming(signed_by(leaked, header, exp=NOW + minutes * 60)) for minutes in (10, 15, 20)]
    for viewer in shown:
        assert refused(verifier, viewer) == "it counts for longer than anybody is believed"
    make_keys(tmp_path / "keys", ["account"], forget=True)
    for viewer in shown:
        clock.now += 300
        assert refused(verifier, viewer) == "nobody known has signed it"


@pytest.mark.parametrize("kind", [b"[", b'{"exp":'])
def test_what_is_nested_deeply_is_refused_like_anything_else(kind: bytes, trust: Trust, verifier: Verifier) -> None:
    key = trust.keys.own("gateway")
    header = {"alg": "Ed25519", "kid": str(key.kid), "typ": CALLER}
    deep = kind * 5000
    unsigned = ".".join(
        base64.urlsafe_b64encode(one).decode().rstrip("=") for one in (json.dumps(header).encode(), deep)
    )
    signed = jws.serialize_compact(header, deep, key, ["Ed25519"])
    assert refused(verifier, claiming(f"{unsigned}.e30")) == "nobody known has signed it"
    assert refused(verifier, claiming(signed)) == "it is no assertion"


def test_an_assertion_with_any_letter_changed_is_refused(issuer: Issuer, verifier: Verifier) -> None:
    text = issuer.viewer(7, PERSONAL).assertion
    # The last letter of a base64 segment holds bits that mean nothing; each other one means something.
    free = {text.find("."), text.rfind("."), text.find(".") - 1, text.rfind(".") - 1, len(text) - 1}
    for place in set(range(len(text))) - free:
        other = "A" if text[place] != "A" else "B"
        with pytest.raises(NotProven):
            verifier.check_viewer(claiming(text[:place] + other + text[place + 1 :]))


@given(text=st.text() | st.from_regex(r"[A-Za-z0-9_-]{0,40}(\.[A-Za-z0-9_-]{0,40}){0,4}", fullmatch=True))
def test_no_other_text_is_an_assertion(text: str) -> None:
    class NoKeys:
        def public(self, key_id: str) -> None:
            return None

    with pytest.raises(NotProven):
        Verifier(NoKeys()).check_viewer(claiming(text))  # type: ignore[arg-type]


def test_a_caller_is_proved_to_one_backend_for_one_method(trust: Trust, verifier: Verifier, clock: Clock) -> None:
    proof = Caller(trust.keys, "gateway", clock).proof("banner", LIST)
    assert verifier.caller(proof, ["permission", "banner"], LIST) == "gateway"
    with pytest.raises(NotProven, match=r"^the proof is meant for another backend$"):
        verifier.caller(proof, ["account"], LIST)
    with pytest.raises(NotProven, match=r"^the proof is meant for another method$"):
        verifier.caller(proof, ["banner"], f"{LIST}s")
    clock.now += LIFE_SECONDS + SKEW_SECONDS
    with pytest.raises(NotProven, match=r"^its time is over$"):
        verifier.caller(proof, ["banner"], LIST)


def test_a_proof_of_a_caller_is_no_assertion_of_a_viewer_nor_the_other_way_round(
    trust: Trust, issuer: Issuer, verifier: Verifier
) -> None:
    account = trust.keys.own("account")
    both = {"aud": "banner", "method": LIST}
    as_caller = signed_by(account, {"alg": "Ed25519", "kid": str(account.kid), "typ": CALLER}, **both)
    as_viewer = signed_by(account, {"alg": "Ed25519", "kid": str(account.kid), "typ": VIEWER}, **both)
    assert refused(verifier, claiming(as_caller)) == "it is something else that was signed"
    with pytest.raises(NotProven, match=r"^it is something else that was signed$"):
        verifier.caller(as_viewer, ["banner"], LIST)
    verifier.check_viewer(claiming(as_viewer))
    assert verifier.caller(as_caller, ["banner"], LIST) == "account"
