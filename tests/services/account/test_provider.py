"""Tokens of an identity provider outside: whose they are, or why they let nobody in."""

import asyncio
import base64
import json
import string
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from pydantic import ValidationError
from structlog.testing import capture_logs

from schema import errcode
from services.account.biz import Claimed
from services.account.data import JwtProvider, ProviderKeys
from services.account.data.provider import keys_in
from services.runtime.provider import Provider
from tests.conftest import NOON, HandClock
from tests.services.account.issuer import AUDIENCE, EC, ISSUER, NEXT, RSA, Issuer, settings, shared, token

AT_NOON = NOON.timestamp()
SKEW = timedelta(seconds=30)


class Monotonic:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(RSA, EC)


@pytest.fixture
def monotonic() -> Monotonic:
    return Monotonic()


@pytest.fixture
def keys(issuer: Issuer, monotonic: Monotonic) -> ProviderKeys:
    return ProviderKeys(issuer.fetch, settings(), monotonic)


@pytest.fixture
def provider(keys: ProviderKeys, clock: HandClock) -> JwtProvider:
    return JwtProvider(keys, settings(), clock)


def at_noon(*arguments: Any, **claims: Any) -> str:
    return token(*arguments, now=AT_NOON, **claims)


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (EC, "ES256")])
async def test_a_token_names_an_account_until_its_end(
    key: Any, algorithm: str, provider: JwtProvider, clock: HandClock
) -> None:
    given = at_noon("acc_7", key, algorithm)
    assert provider.may_have_issued(given)
    assert await provider.read(given) == Claimed("acc_7", NOON + timedelta(hours=1) + SKEW)
    clock.advance(hours=1, seconds=29)
    assert (await provider.read(given)).subject == "acc_7"
    clock.advance(seconds=1)
    with pytest.raises(errcode.TokenExpired):
        await provider.read(given)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": [AUDIENCE + "x", "another"]},
        {"aud": []},
        {"aud": None},
        {"aud": {AUDIENCE: 1}},
        {"iss": ISSUER + "/"},
        {"iss": None},
        {"sub": None},
        {"sub": 7},
        {"sub": ["7"]},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 1e300},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": 10**400},
        {"exp": [AT_NOON + 60]},
        {"aud": [[AUDIENCE]]},
        {"nbf": AT_NOON + 31},
        {"nbf": "now"},
    ],
    ids=str,
)
async def test_a_claim_that_is_wrong_lets_nobody_in(claims: dict[str, Any], provider: JwtProvider) -> None:
    with pytest.raises(errcode.Unauthenticated):
        await provider.read(at_noon(**claims))


async def test_what_is_over_and_for_another_is_not_even_called_expired(provider: JwtProvider) -> None:
    with pytest.raises(errcode.Unauthenticated):
        await provider.read(at_noon(aud="another", exp=int(AT_NOON) - 3600))
    with pytest.raises(errcode.TokenExpired):
        await provider.read(at_noon(exp=int(AT_NOON) - 3600))


@pytest.mark.parametrize(
    "claims", [{"aud": ["another", AUDIENCE]}, {"nbf": AT_NOON + 30}, {"nbf": None}, {"scope": "x"}]
)
async def test_a_token_may_say_more(claims: dict[str, Any], provider: JwtProvider) -> None:
    assert (await provider.read(at_noon("7", **claims))).subject == "7"


def unsigned(text: str) -> str:
    header, payload, _ = text.split(".")
    fields = json.loads(base64.urlsafe_b64decode(header + "=="))
    none = base64.urlsafe_b64encode(json.dumps({**fields, "alg": "none"}).encode()).decode().rstrip("=")
    return f"{none}.{payload}."


OTHER = RSAKey.generate_key(2048, {"kid": "rsa-1"})
ODD: list[Any] = [OKPKey.generate_key("X25519", {"kid": "x-1"}), ECKey.generate_key("P-384", {"kid": "ec-2"})]
"""Keys that an issuer publishes besides, for other purposes."""
LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
FORGED: dict[str, Callable[[], str]] = {
    "no signature": lambda: unsigned(at_noon()),
    "a signature that is empty": lambda: at_noon().rpartition(".")[0] + ".",
    "the public key as a secret": lambda: at_noon("1", shared(RSA), "HS256"),
    "a secret": lambda: at_noon("1", OctKey.generate_key(256, {"kid": "rsa-1"}), "HS256"),
    "an algorithm that is not believed": lambda: at_noon("1", RSA, "RS512"),
    "the algorithm of another key": lambda: at_noon("1", EC, "ES256", header={"kid": "rsa-1"}),
    "another key with the same id": lambda: at_noon("1", OTHER),
    "a key that nobody knows": lambda: at_noon("1", NEXT),
    "no key": lambda: at_noon(header={"kid": None}),
    "a key that is no name": lambda: at_noon(header={"kid": {"a": 1}}),
    "a key of its own": lambda: at_noon("1", OTHER, header={"jwk": OTHER.as_dict(private=False), "kid": "own"}),
    "a demand that nobody understands": lambda: at_noon(header={"crit": ["exp"], "exp": 1}),
    "a payload that is signed as it is": lambda: at_noon(header={"crit": ["b64"], "b64": False}),
    "a demand for what everybody understands": lambda: at_noon(header={"crit": "exp", "exp": 1}),
    "a letter that base64 has not": lambda: at_noon()[:-5] + "!" + at_noon()[-5:],
    "a blank in it": lambda: at_noon()[:-5] + " " + at_noon()[-5:],
    "a line end": lambda: at_noon() + "\n",
    "padding": lambda: at_noon() + "==",
    "bits that mean nothing": lambda: at_noon()[:-1] + LETTERS[LETTERS.index(at_noon()[-1]) ^ 1],
    "a key for agreeing on keys": lambda: at_noon("1", EC, "ES256", header={"kid": "x-1"}),
    "a curve that is not the algorithm's": lambda: at_noon("1", EC, "ES256", header={"kid": "ec-2"}),
    "another's payload": lambda: ".".join(
        [*at_noon("1").split(".")[:1], at_noon("4").split(".")[1], at_noon("1").split(".")[2]]
    ),
    "too long a header": lambda: at_noon(header={"x": "x" * 600}),
    "too deep a header": lambda: base64.urlsafe_b64encode(b'{"alg":' * 700).decode() + ".e30.e30",
    "no JSON": lambda: "a.b.c",
    "nothing": lambda: "..",
}


@pytest.mark.parametrize("how", FORGED)
async def test_a_forged_token_lets_nobody_in(how: str, provider: JwtProvider, issuer: Issuer) -> None:
    issuer.keys += ODD
    with pytest.raises(errcode.Unauthenticated):
        await provider.read(FORGED[how]())


async def test_an_algorithm_that_is_not_believed_does_not_even_ask_for_keys(
    provider: JwtProvider, issuer: Issuer
) -> None:
    for text in (at_noon("1", RSA, "RS512"), unsigned(at_noon()), "a.b.c"):
        with pytest.raises(errcode.Unauthenticated):
            await provider.read(text)
    assert issuer.asked == 0


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(text=st.from_regex(r"[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,60}", fullmatch=True) | st.text())
def test_no_text_does_more_than_be_refused(text: str, clock: HandClock) -> None:
    keys = ProviderKeys(Issuer(RSA).fetch, settings())
    with pytest.raises(errcode.Unauthenticated):
        asyncio.run(JwtProvider(keys, settings(), clock).read(text))


# Keys.


async def test_keys_are_fetched_once_for_many_tokens(provider: JwtProvider, issuer: Issuer) -> None:
    await asyncio.gather(*(provider.read(at_noon(str(number))) for number in range(1, 20)))
    assert issuer.asked == 1


async def test_a_new_key_is_found_as_soon_as_a_token_names_it(
    provider: JwtProvider, issuer: Issuer, monotonic: Monotonic
) -> None:
    await provider.read(at_noon())
    issuer.keys = [NEXT]
    monotonic.now += 10
    assert (await provider.read(at_noon("7", NEXT))).subject == "7"
    assert issuer.asked == 2
    with pytest.raises(errcode.Unauthenticated):
        await provider.read(at_noon("7", RSA))


async def test_made_up_keys_do_not_become_requests_to_the_issuer(
    provider: JwtProvider, issuer: Issuer, monotonic: Monotonic
) -> None:
    await provider.read(at_noon())
    for number in range(50):
        monotonic.now += 1
        with pytest.raises(errcode.Unauthenticated):
            await provider.read(at_noon(header={"kid": f"made up {number}"}))
    assert issuer.asked == 1 + 5


async def test_an_issuer_that_is_down_shuts_nobody_out_for_a_day(
    provider: JwtProvider, keys: ProviderKeys, issuer: Issuer, monotonic: Monotonic
) -> None:
    await provider.read(at_noon())
    issuer.status = 503
    with capture_logs() as logs:
        for _ in range(3):
            monotonic.now += 28_800
            assert await keys._refresh() == 10
            assert (await provider.read(at_noon())).subject == "1"
    assert [entry["log_level"] for entry in logs] == ["warning", "debug", "debug"]
    monotonic.now += 1
    with pytest.raises(errcode.BackendUnavailable, match="issuer"):
        await provider.read(at_noon())
    issuer.status = 200
    monotonic.now += 10
    assert (await provider.read(at_noon())).subject == "1"


async def test_while_it_is_down_a_new_key_may_be_one_of_its_own(
    provider: JwtProvider, issuer: Issuer, monotonic: Monotonic
) -> None:
    await provider.read(at_noon())
    issuer.status = 503
    monotonic.now += 10
    with pytest.raises(errcode.BackendUnavailable):
        await provider.read(at_noon("1", NEXT))
    assert (await provider.read(at_noon())).subject == "1"


async def test_keys_are_fetched_before_anybody_comes(keys: ProviderKeys, issuer: Issuer) -> None:
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(keys.serve())
        while not issuer.asked:  # noqa: ASYNC110 - the worker decides.
            await asyncio.sleep(0)
        await keys.stop(0)
    assert await keys.find("rsa-1") is not None
    assert issuer.asked == 1


def test_of_what_is_published_only_public_keys_for_signatures_are_taken() -> None:
    encryption = {**RSA.as_dict(private=False), "kid": "encryption", "use": "enc"}
    secret = OctKey.generate_key(256, {"kid": "secret"}).as_dict(private=True)
    odd: list[Any] = [{"kty": "RSA"}, {"kty": "XX", "kid": "x"}, None, 7, {"kty": "EC", "kid": "y", "crv": "P-1"}]
    body = json.dumps({"keys": [encryption, secret, *odd, EC.as_dict(private=False)]})
    assert list(keys_in(body.encode())) == ["ec-1"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys": 7}', b"\xff", b"[" * 100_000])
async def test_a_page_that_holds_no_keys_is_as_good_as_none(
    body: bytes, issuer: Issuer, monotonic: Monotonic, clock: HandClock
) -> None:
    async def broken() -> bytes:
        return body

    keys = ProviderKeys(broken, settings(), monotonic)
    with pytest.raises(errcode.BackendUnavailable):
        await JwtProvider(keys, settings(), clock).read(at_noon())


# Settings.


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"algorithms": "HS256"}, "must be some of RS256"),
        ({"algorithms": "RS256,none"}, "must be some of RS256"),
        ({"keys_url": "http://login.example.org/keys"}, "must be https"),
        ({"keys_url": "http://127.0.0.1@evil.example/keys"}, "must be https"),
        ({"audience": None}, "ISSUER, AUDIENCE and KEYS_URL go together"),
        ({"account_by": "name"}, "'id' or 'handle'"),
    ],
)
def test_settings_that_would_let_too_many_in_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Provider(**{"issuer": ISSUER, "audience": AUDIENCE, "keys_url": "https://login.example.org/keys", **changed})
