"""Two gateways as processes of their own: a change at one, or at a backend, is soon seen at the other."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
import httpx
import msgspec
import pytest
from redis import Redis

from schema.generated.admin.v1 import admin_pb2 as pb
from schema.generated.admin.v1.admin_pb2_grpc import AdminServiceStub
from schema.generated.identity.v1 import identity_pb2
from services.account.data.sessions import SessionRecord
from services.backends import BACKENDS
from services.runtime.changed import PREFIX
from services.runtime.channels import PROOF
from services.runtime.sealing import sealed
from services.runtime.settings import Settings
from services.runtime.subjects import token_hash
from services.runtime.trust import Trust
from tests.conftest import free_port
from tests.gateway.process import Running, finished, running
from tests.gateway.test_caches import NAME, RENAME, WHO
from tests.gateway.test_home import HOME

KEPT = {
    "CACHES__LOCAL_SECONDS": "60",
    "CACHES__REMOTE_SECONDS": "3600",
    "CACHES__SESSION_LOCAL_SECONDS": "60",
    "CACHES__SESSION_REMOTE_SECONDS": "60",
}
"""So long that nothing ends by itself while it is watched: what is seen was told."""
BOUND = 30.0
"""Seconds, half of what answers are kept; documented is one, for machines that do nothing else."""
STAFF = identity_pb2.ACCOUNT_TYPE_STAFF
MADE_UP = "a-token-that-nobody-was-given"


@dataclass(frozen=True)
class Town:
    """Where everything listens."""

    here: str
    there: str
    admin: str
    backends: Running
    trust: Trust


@pytest.fixture(scope="module")
def town(redis_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Every backend in one process, and two gateways."""
    folder = tmp_path_factory.mktemp("town")
    with ExitStack() as closing:
        sockets = closing.enter_context(TemporaryDirectory(prefix="atrium-"))
        settings = {"DATA": str(folder / "data"), "CACHE": redis_server, **KEPT}
        settings |= {f"ADDRESSES__{name.upper()}": f"unix:{sockets}/{name}" for name in BACKENDS}
        for command in (("migrate",), ("demo", "--accounts", "60")):
            done = finished(("services", *command), settings)
            assert done.returncode == 0, done.stderr
        backends = closing.enter_context(running(("services", "serve", *BACKENDS), settings, folder / "backends.txt"))
        here, there = [closing.enter_context(gateway(settings, folder / f"{name}.txt")) for name in ("here", "there")]
        trust = Trust(Settings(data=folder / "data"))
        yield Town(here, there, f"unix:{sockets}/admin", backends, trust)


@contextmanager
def gateway(settings: dict[str, str], output: Path) -> Iterator[str]:
    """The address of a gateway."""
    port = free_port()
    with running(("gateway", "run"), {**settings, "PORT": str(port)}, output) as process:
        process.wait_for(f"http://127.0.0.1:{port}/readyz")
        yield f"http://127.0.0.1:{port}"


def ask(url: str, query: str, token: str = "", **variables: Any) -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    body = {"query": query, "variables": variables}
    return httpx.post(f"{url}/graphql", json=body, headers=headers, timeout=60).json()


def name_at(url: str) -> str:
    return str(ask(url, NAME)["data"]["account"]["displayName"])


def seconds_until(see: Callable[[], Any], wanted: Any) -> float:
    """How long it took until that was seen."""
    started = time.monotonic()
    while see() != wanted:
        assert time.monotonic() < started + BOUND
    return time.monotonic() - started


def sign_in(url: str, handle: str) -> str:
    query = "mutation ($handle: String!, $password: String!) { signIn(handle: $handle, password: $password) { token } }"
    return str(ask(url, query, handle=handle, password="atrium-demo")["data"]["signIn"]["token"])


def test_a_change_at_one_gateway_is_read_there_at_once_and_at_the_other_soon(town: Town) -> None:
    token = sign_in(town.here, "ada")
    took = []
    for number in range(10):
        version = ask(town.here, NAME)["data"]["account"]["version"]
        name_at(town.there)
        changed = ask(town.here, RENAME, token, version=version, name=f"Ada {number}")
        assert changed["data"]["updateProfile"]["version"] == version + 1
        assert name_at(town.here) == f"Ada {number}"
        took.append(seconds_until(lambda: name_at(town.there), f"Ada {number}"))
    print(took)
    print(f"seen at the other gateway after {max(took) * 1000:.0f} ms at most")


def test_a_session_that_was_ended_at_one_gateway_is_soon_over_at_the_other(town: Town) -> None:
    took = []
    for _ in range(5):
        token = sign_in(town.here, "bo")
        for url in (town.here, town.there):
            assert ask(url, WHO, token)["data"]["viewer"]["account"] == {"handle": "bo"}
        assert ask(town.here, "mutation { signOut }", token)["data"] == {"signOut": True}
        assert ask(town.here, WHO, token)["errors"][0]["extensions"]["code"] == 4010100
        took.append(seconds_until(lambda: "errors" in ask(town.there, WHO, token), True))  # noqa: B023
    print(f"over at the other gateway after {max(took) * 1000:.0f} ms at most")


def test_nobody_becomes_somebody_else_by_way_of_the_cache(town: Town, redis_server: str) -> None:
    sam, ada = sign_in(town.here, "sam"), sign_in(town.here, "ada")
    assert ask(town.here, WHO, sam)["data"]["viewer"]["account"] == {"handle": "sam"}
    with Redis.from_url(redis_server) as cache:
        for place in ("account:session:", PREFIX + "/public/session_by_token/"):
            entry = cache.get(place + token_hash(sam))
            assert isinstance(entry, bytes)
            cache.set(place + token_hash(ada), entry)
        # By whoever knows how the account backend makes entries, but not its secret.
        key, head, content = f"account:session:{token_hash(MADE_UP)}", b"V1:", session_of(4)
        cache.set(key, head + sealed(b"", key, head + content) + content)
    assert ask(town.there, WHO, ada)["data"]["viewer"]["account"] == {"handle": "ada"}
    assert ask(town.there, WHO, MADE_UP)["errors"][0]["extensions"]["code"] == 4010100


def session_of(account_id: int) -> bytes:
    """What the account backend keeps of a session."""
    now = datetime.now(UTC)
    return msgspec.msgpack.encode(SessionRecord(token_hash(MADE_UP), account_id, now, now + timedelta(days=1)))


def test_a_change_that_goes_by_no_gateway_is_soon_seen_at_both(town: Town) -> None:
    took = []
    with grpc.insecure_channel(town.admin) as channel:
        desk = AdminServiceStub(channel)
        sam, path = town.trust.issuer.viewer(4, STAFF), "/admin.v1.AdminService/ChangeAccount"
        proof = ((PROOF, town.trust.caller("platform").proof("admin", path)),)
        for number in range(5):
            version = ask(town.here, NAME)["data"]["account"]["version"]
            name_at(town.there)
            desk.ChangeAccount(
                pb.ChangeAccountRequest(
                    actor=sam, account_id=1, version=version, reason="a typo", display_name=f"Ada by staff {number}"
                ),
                metadata=proof,
            )
            for url in (town.here, town.there):
                took.append(seconds_until(lambda: name_at(url), f"Ada by staff {number}"))  # noqa: B023
    print(f"seen at the gateways after {max(took) * 1000:.0f} ms at most")


def test_when_all_backends_are_gone_a_gateway_shows_what_another_was_answered(town: Town) -> None:
    token = sign_in(town.here, "bo")  # Of whom nothing has changed: what is heard of that late makes answers forgotten.
    whole = ask(town.here, HOME, token)
    assert list(whole) == ["data"]
    assert list(ask(town.there, WHO, token)) == ["data"]
    town.backends.kill()

    def parts() -> dict[str, str]:
        answer = ask(town.there, HOME, token)
        assert "errors" not in answer
        shown = answer["data"]["viewer"]["home"]
        assert [
            part for part, value in shown.items() if value not in (None, whole["data"]["viewer"]["home"][part])
        ] == []
        gaps = answer["extensions"]["degraded"]
        assert all(gap["ageMs"] > 0 for gap in gaps if gap["mode"] == "STALE")
        modes = {gap["path"][2]: gap["mode"] for gap in gaps if len(gap["path"]) == 3}
        modes.pop("features", None)  # Perhaps it is kept.
        return modes

    seconds_until(parts, {"banners": "STALE", "feed": "STALE"})
