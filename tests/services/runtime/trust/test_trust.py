import stat
from pathlib import Path

import grpc
import grpc.aio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from schema import errcode
from schema.generated.banner.v1 import banner_pb2 as pb
from schema.generated.banner.v1 import banner_pb2_grpc as rpc
from schema.generated.identity.v1 import identity_pb2
from services.runtime.channels import open_channel
from services.runtime.lifecycle import StartError
from services.runtime.settings import Addresses, Settings
from services.runtime.telemetry import Metrics
from services.runtime.tls import Tls
from services.runtime.trust import Trust
from services.runtime.trust.trust import leaves_machine
from tests.conftest import free_port
from tests.services.runtime.trust.authority import Authority
from tests.services.runtime.trust.serving import Banners, served

GUEST = identity_pb2.Viewer(account_type=identity_pb2.ACCOUNT_TYPE_GUEST)
REQUEST = pb.BatchListBannersRequest(
    questions=[pb.BatchListBannersRequest.Question(viewer=GUEST, slot=pb.BANNER_SLOT_HOME_TOP)]
)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def port() -> str:
    return f"127.0.0.1:{free_port()}"


def trusting(folder: Path, tls: Tls) -> Trust:
    return Trust(Settings(data=folder, tls=tls))


async def call(trust: Trust, address: str, name: str = "gateway") -> None:
    async with open_channel("banner", address, Metrics(), trust.caller(name)) as channel:
        await rpc.BannerServiceStub(channel).BatchListBanners(REQUEST, timeout=60)


async def test_both_ends_know_each_other_by_certificate(authority: Authority, port: str, tmp_path: Path) -> None:
    banners, backend = Banners(), trusting(tmp_path, authority.tls("banner.atrium.internal"))
    async with served(backend, banners, port):
        await call(trusting(tmp_path, authority.tls("gateway.atrium.internal")), port)
    assert len(banners.asked) == 1


@pytest.mark.parametrize("names", [["activity.atrium.internal"], ["gateway.elsewhere"], ["127.0.0.1"]])
async def test_a_caller_whose_certificate_is_for_another_name_is_refused(
    names: list[str], authority: Authority, port: str, tmp_path: Path
) -> None:
    banners, backend = Banners(), trusting(tmp_path, authority.tls("banner.atrium.internal"))
    async with served(backend, banners, port):
        with pytest.raises(errcode.BackendUnavailable) as caught:
            await call(trusting(tmp_path, authority.tls(*names)), port)
    assert isinstance(caught.value.__cause__, grpc.aio.AioRpcError)
    assert caught.value.__cause__.code() is grpc.StatusCode.UNAUTHENTICATED
    assert banners.asked == []


async def test_who_has_no_certificate_of_the_authority_is_not_even_heard(
    authority: Authority, port: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    banners, backend = Banners(), trusting(tmp_path, authority.tls("banner.atrium.internal"))
    others = Authority(tmp_path_factory.mktemp("other"))
    stranger = others.tls("gateway.atrium.internal")
    impostor = Tls(cert=stranger.cert, key=stranger.key, ca=authority.tls("x").ca)
    async with served(backend, banners, port):
        for trust in (trusting(tmp_path, impostor), Trust(Settings(data=tmp_path))):
            with pytest.raises(errcode.AtriumError) as caught:
                await call(trust, port)
            assert isinstance(caught.value, errcode.BackendUnavailable | errcode.DeadlineExceeded)
    assert banners.asked == []


@pytest.mark.parametrize("name", ["account.atrium.internal", "banner.elsewhere"])
async def test_a_backend_whose_certificate_is_for_another_name_is_not_asked(
    name: str, authority: Authority, port: str, tmp_path: Path
) -> None:
    banners, backend = Banners(), trusting(tmp_path, authority.tls(name))
    async with served(backend, banners, port):
        with pytest.raises(errcode.BackendUnavailable):
            await call(trusting(tmp_path, authority.tls("gateway.atrium.internal")), port)
    assert banners.asked == []


async def test_a_unix_socket_needs_no_certificate(authority: Authority, tmp_path: Path) -> None:
    banners, backend = Banners(), trusting(tmp_path, authority.tls("banner.atrium.internal"))
    async with served(backend, banners) as address:
        await call(trusting(tmp_path, authority.tls("gateway.atrium.internal")), address)
    assert len(banners.asked) == 1


# Plaintext.


async def test_plaintext_stays_on_this_machine_unless_it_is_allowed(tmp_path: Path) -> None:
    afar = "192.0.2.1:7101"
    refused = rf"^calls to {afar} would be in plaintext: set ATRIUM_TLS__CERT, .* or ATRIUM_PLAINTEXT=true "
    with pytest.raises(StartError, match=refused):
        Trust(Settings(data=tmp_path)).caller("gateway").connect("banner", afar, [], [])
    with pytest.raises(StartError, match=r"^calls to 0\.0\.0\.0:1 would be"):
        Trust(Settings(data=tmp_path)).listen(grpc.aio.server(), "0.0.0.0:1")
    with capture_logs() as logs:
        channel = Trust(Settings(data=tmp_path, plaintext=True)).connect("banner", afar, [], [])
        await channel.close()
    assert [(entry["log_level"], entry["address"]) for entry in logs] == [("warning", afar)]


@pytest.mark.parametrize(
    ("address", "leaves"),
    [
        ("127.0.0.1:1", False),
        ("127.9.9.9:1", False),
        ("[::1]:1", False),
        ("localhost:1", False),
        ("unix:/run/atrium/account.sock", False),
        ("127.0.0.1:1,127.0.0.1:2", False),
        ("ipv4:127.0.0.1:1,127.0.0.1:2", False),
        ("0.0.0.0:1", True),
        ("[::]:1", True),
        ("192.0.2.1:1", True),
        ("127.0.0.1:1,192.0.2.1:1", True),
        ("ipv4:127.0.0.1:1,192.0.2.1:1", True),
        ("account:1", True),
        ("localhost.example.org:1", True),
        ("127.0.0.1.example.org:1", True),
    ],
)
def test_what_leaves_the_machine(address: str, leaves: bool) -> None:
    assert leaves_machine(address) is leaves


@given(host=st.ip_addresses())
def test_only_loopback_stays(host: object) -> None:
    text = f"[{host}]:1" if ":" in str(host) else f"{host}:1"
    assert leaves_machine(text) is not getattr(host, "is_loopback")  # noqa: B009 - of both kinds of address.


# Keys.


def test_keys_are_made_at_first_need_where_everything_is_on_this_machine(tmp_path: Path) -> None:
    trust = Trust(Settings(data=tmp_path / "data"))
    assert not (tmp_path / "data").exists()
    trust.check("account", "gateway")
    assert stat.S_IMODE((tmp_path / "data" / "keys").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("settings", "served_at"),
    [
        ({"addresses": Addresses(account="192.0.2.1:7101")}, []),
        ({}, ["0.0.0.0:7101"]),
    ],
)
def test_nothing_starts_without_keys_where_backends_may_be_elsewhere(
    settings: dict[str, Addresses], served_at: list[str], tmp_path: Path
) -> None:
    trust = Trust(Settings(data=tmp_path, **settings), served_at)  # type: ignore[arg-type]
    with pytest.raises(
        StartError, match=r"^ATRIUM_KEYS must be set, since .*:7101 may be on another machine: `python "
    ):
        trust.check("account")
    assert [*tmp_path.iterdir()] == []


def test_keys_that_are_named_are_never_made(tmp_path: Path) -> None:
    trust = Trust(Settings(data=tmp_path, keys=tmp_path / "mine"))
    with pytest.raises(StartError, match=r"^cannot read the key .*/mine/account\.json: no such file or directory$"):
        trust.check("account")


def test_certificate_key_and_authority_go_together(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="CERT, KEY and CA go together"):
        Tls(cert=tmp_path)


async def test_a_certificate_that_cannot_be_read_stops_the_start(tmp_path: Path, port: str) -> None:
    missing = tmp_path / "none.pem"
    with pytest.raises(StartError, match=rf"^cannot read {missing}: no such file or directory$"):
        trusting(tmp_path, Tls(cert=missing, key=missing, ca=missing)).listen(grpc.aio.server(), port)
