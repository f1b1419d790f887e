"""Doors of real processes: certificates on TCP, permissions on sockets, and nothing in plaintext by mistake."""

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from schema.generated.identity.v1 import identity_pb2
from services.runtime.settings import Settings
from services.runtime.trust import NAMES, Trust
from tests.conftest import free_port
from tests.gateway.process import Running, finished, running
from tests.services.runtime.trust.authority import Authority
from tests.services.runtime.trust.serving import call

ADA = (1, identity_pb2.ACCOUNT_TYPE_PERSONAL)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings of an empty store of banners, and of processes that have their keys in a folder."""
    folder = tmp_path_factory.mktemp("stores")
    settings = {"DATA": str(folder), "KEYS": str(folder / "given")}
    assert finished(("services", "migrate", "banner"), settings).returncode == 0
    made = finished(("services", "keys"), settings)
    assert (made.returncode, made.stdout) == (0, f"keys of {', '.join(NAMES)} in {folder}/given\n")
    return settings


@pytest.fixture
def sockets() -> Iterator[Path]:
    with TemporaryDirectory(prefix="atrium-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def ready(process: Running, pages: int) -> None:
    process.wait_for(f"http://127.0.0.1:{pages}/readyz")


async def test_processes_with_certificates_trust_each_other_over_tcp(stores: dict[str, str], tmp_path: Path) -> None:
    authority, port, pages = Authority(tmp_path), free_port(), free_port()
    address = f"127.0.0.1:{port}"
    serving = {**stores, **authority.settings("banner.atrium.internal"), "METRICS_PORT": str(pages)}
    asking = {"DATA": Path(stores["DATA"]), "KEYS": Path(stores["KEYS"])}
    gateway = Trust(Settings(data=asking["DATA"], keys=asking["KEYS"], tls=authority.tls("gateway.atrium.internal")))
    with running(("services", "serve", f"banner={address}"), serving, tmp_path / "log.txt") as process:
        await asyncio.to_thread(ready, process, pages)
        await call(address, gateway.caller("gateway"), gateway.issuer.viewer(*ADA))
        looked = {**stores, **authority.settings("gateway.atrium.internal"), "ADDRESSES__BANNER": address}
        with_certificate = await asyncio.to_thread(finished, ("gateway", "doctor"), looked)
        without = await asyncio.to_thread(finished, ("gateway", "doctor"), {**stores, "ADDRESSES__BANNER": address})
    assert [line.split()[-2] for line in with_certificate.stdout.splitlines() if "banner" in line] == ["up"]
    assert [line.split()[-2] for line in without.stdout.splitlines() if "banner" in line] == ["down"]


def test_nobody_else_opens_a_socket(stores: dict[str, str], sockets: Path, tmp_path: Path) -> None:
    pages, socket = free_port(), sockets / "banner"
    with running(
        ("services", "serve", f"banner=unix:{socket}"), {**stores, "METRICS_PORT": str(pages)}, tmp_path / "log.txt"
    ) as process:
        ready(process, pages)
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        if os.getuid() == 0:
            assert "PermissionError" in connecting_as_nobody(socket)


def connecting_as_nobody(socket: Path) -> str:
    """What a user without rights is told."""
    program = f"import socket; socket.socket(socket.AF_UNIX).connect({str(socket)!r})"
    # The interpreter may lie where only its owner goes: the system's own will do.
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
    tried = subprocess.run(
        [python, "-c", program], user=65534, group=65534, cwd="/", capture_output=True, text=True, check=False
    )
    return tried.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {},
            "ATRIUM_KEYS must be set, since 0.0.0.0:{port} may be on another machine: `python -m services keys FOLDER` "
            "makes keys",
        ),
        (
            {"KEYS": "{folder}"},
            "calls to 0.0.0.0:{port} would be in plaintext: set ATRIUM_TLS__CERT, ATRIUM_TLS__KEY and ATRIUM_TLS__CA, "
            "or ATRIUM_PLAINTEXT=true where the network itself is private",
        ),
        ({"TLS__CERT": "cert.pem"}, "ATRIUM_TLS: CERT, KEY and CA go together"),
    ],
)
def test_a_process_that_others_could_reach_does_not_start_open(
    settings: dict[str, str], said: str, stores: dict[str, str], tmp_path: Path
) -> None:
    port = free_port()
    given = {name: value.format(folder=stores["KEYS"]) for name, value in settings.items()}
    ended = finished(("services", "serve", f"banner=0.0.0.0:{port}"), {"DATA": str(tmp_path), **given})
    assert ended.stderr == f"atrium: {said.format(port=port)}\n"
    assert ended.returncode in (1, 2)


async def test_plaintext_that_is_allowed_is_told(stores: dict[str, str], tmp_path: Path) -> None:
    port, pages = free_port(), free_port()
    settings = {**stores, "PLAINTEXT": "true", "METRICS_PORT": str(pages)}
    with running(("services", "serve", f"banner=0.0.0.0:{port}"), settings, tmp_path / "log.txt") as process:
        await asyncio.to_thread(ready, process, pages)
        gateway = Trust(Settings(data=Path(stores["DATA"]), keys=Path(stores["KEYS"])))
        await call(f"127.0.0.1:{port}", gateway.caller("gateway"), gateway.issuer.viewer(*ADA))
        [warned] = [line for line in process.log() if line["event"] == "calls in plaintext, as ATRIUM_PLAINTEXT allows"]
    assert (warned["level"], warned["address"]) == ("warning", f"0.0.0.0:{port}")
