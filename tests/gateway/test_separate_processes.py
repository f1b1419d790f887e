"""Backends and gateway as processes of their own: the same code, found by addresses from settings."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.conftest import free_port
from tests.gateway.process import Running, finished, running
from tests.gateway.test_home import HOME
from tests.gateway.test_run import ask

ALL_UP = {"account": "up", "permission": "up", "banner": "up", "activity": "up", "admin": "up"}


@dataclass
class Town:
    """Three processes of backends, one of the gateway, and what they were told."""

    settings: dict[str, str]
    backends: dict[str, Running]
    gateway: Running
    url: str

    def ready(self) -> dict[str, object]:
        """How the gateway is, and how each backend."""
        answer: dict[str, object] = httpx.get(f"{self.url}/readyz", timeout=60).json()
        return answer


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """All processes, ready; three backends share one behind a unix socket, two are reached by TCP.

    SQLite and a cache in each process: `tests/scenario` has them on PostgreSQL and Redis.
    """
    with ExitStack() as closing:
        folder = closing.enter_context(TemporaryDirectory(prefix="atrium-"))
        shared = f"unix:{folder}/shared"
        port = free_port()
        settings = {
            "DATA": str(tmp_path / "data"),
            "ADDRESSES__ACCOUNT": shared,
            "ADDRESSES__PERMISSION": shared,
            "ADDRESSES__ADMIN": shared,
            "ADDRESSES__BANNER": f"127.0.0.1:{free_port()}",
            "ADDRESSES__ACTIVITY": f"127.0.0.1:{free_port()}",
            "PORT": str(port),
        }
        for command in (("migrate",), ("demo", "--accounts", "60")):
            result = finished(("services", *command), settings)
            assert result.returncode == 0, result.stderr
        backends = {
            names[0]: closing.enter_context(
                running(("services", "serve", *names), settings, tmp_path / f"{names[0]}.txt")
            )
            for names in (("account", "permission", "admin"), ("banner",), ("activity",))
        }
        gateway = closing.enter_context(running(("gateway", "run"), settings, tmp_path / "gateway.txt"))
        town = Town(settings, backends, gateway, f"http://127.0.0.1:{port}")
        gateway.wait_for(f"{town.url}/readyz")
        yield town


def test_a_home_is_put_together_from_processes_and_survives_the_loss_of_one(town: Town) -> None:
    wait_until_all_serve(town)
    signed_in = finished(("gateway", "token", "ada", "--password-stdin"), town.settings, "atrium-demo\n")
    assert (signed_in.returncode, signed_in.stderr) == (0, "")
    token = signed_in.stdout.strip()
    home = ask(town.url, HOME, token)
    assert list(home) == ["data"]
    assert home["data"]["viewer"]["account"]["handle"] == "ada"
    assert len(home["data"]["viewer"]["home"]["feed"]["edges"]) == 20
    assert finished(("gateway", "doctor"), town.settings).returncode == 0

    banners = home["data"]["viewer"]["home"]["banners"]

    town.backends["banner"].kill()
    home = ask(town.url, HOME, token)
    [gap] = home["extensions"]["degraded"]
    assert (gap["path"], gap["backend"], gap["code"]) == (["viewer", "home", "banners"], "banner", 5030100)
    assert home["data"]["viewer"]["home"]["banners"] == banners
    assert (gap["mode"], gap["ageMs"] > 0) == ("STALE", True)
    assert len(home["data"]["viewer"]["home"]["feed"]["edges"]) == 20
    assert town.ready() == {"status": "degraded", "backends": ALL_UP | {"banner": "down"}}
    examined = finished(("gateway", "doctor"), town.settings)
    assert examined.returncode == 1
    assert [line.split()[-2] for line in examined.stdout.splitlines() if "banner" in line] == ["down"]

    assert town.gateway.stop()[0] == 0
    assert [town.backends[name].stop()[0] for name in ("activity", "account")] == [0, 0]
    assert "Traceback" not in "".join(each.output for each in (town.gateway, *town.backends.values()))
    assert json.dumps(town.gateway.log()).count(token) == 0
    assert ("subscriptions are told nothing" in town.gateway.output) is ("CACHE" not in town.settings)


def wait_until_all_serve(town: Town) -> None:
    """The gateway is ready before the backends that it can do without."""
    while town.ready() != {"status": "ready", "backends": ALL_UP}:
        assert town.ready()["status"] in ("degraded", "ready")


def test_a_sign_in_from_the_command_line_that_fails_is_one_clear_line(tmp_path: Path) -> None:
    settings = {"ADDRESSES__ACCOUNT": f"127.0.0.1:{free_port()}"}
    result = finished(("gateway", "token", "ada", "--password-stdin"), settings, "atrium-demo\n")
    assert result.returncode == 1
    assert (result.stdout, result.stderr) == ("", "atrium: the account backend is unavailable\n")


def test_a_sign_in_that_nobody_gives_a_password_for_ends_without_a_traceback() -> None:
    result = finished(("gateway", "token", "ada"))
    assert (result.returncode, "Traceback" in result.stderr) == (130, False)
