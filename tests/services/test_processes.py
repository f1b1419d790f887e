"""The backends as processes of their own: migrated, filled, served and stopped as a user does it."""

import asyncio
import json
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from schema import errcode
from schema.generated.account.v1 import account_pb2, account_pb2_grpc
from schema.generated.activity.v1 import activity_pb2, activity_pb2_grpc
from schema.generated.banner.v1 import banner_pb2, banner_pb2_grpc
from schema.generated.identity.v1 import identity_pb2
from schema.generated.permission.v1 import permission_pb2, permission_pb2_grpc
from services.backends import BACKENDS
from services.runtime.channels import open_channel
from services.runtime.demo import with_demo
from services.runtime.settings import Settings
from services.runtime.telemetry import Metrics
from services.runtime.trust import Trust
from tests.conftest import STACKS, empty_database, free_port
from tests.gateway.process import Running, finished, running
from tests.services.runtime.servicers import is_there, reflected

WITH_DEMO = [backend.name for backend in with_demo(BACKENDS.values())]
SIGN_IN = account_pb2.SignInRequest(handle="ada", password="atrium-demo")
PATIENCE = 120


@dataclass(frozen=True)
class House:
    """Backends that run: account and permission share a socket, banner and activity a port each."""

    settings: Mapping[str, str]
    addresses: Mapping[str, str]
    told: Mapping[str, str]
    """What the commands before printed, by command."""
    pages: str
    """Where one of the processes tells of itself."""

    @property
    def trust(self) -> Trust:
        """The keys of all of them."""
        return Trust(Settings(data=Path(self.settings["DATA"])))


@contextmanager
def stores(stack: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Settings of stores with nothing in them."""
    if stack == "embedded":
        yield {"DATA": str(folder / "data")}
        return
    with empty_database(request.getfixturevalue("postgres")) as url:
        yield {"DATA": str(folder / "data"), "DATABASE": url, "CACHE": request.getfixturevalue("redis_server")}


@contextmanager
def socket_folder() -> Iterator[str]:
    """A folder whose name leaves room for sockets."""
    with tempfile.TemporaryDirectory(prefix="atrium-") as folder:
        yield folder


@pytest.fixture(scope="module", params=STACKS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    with stores(request.param, folder, request) as settings, socket_folder() as sockets:
        told = {command: printed(command, settings) for command in ("migrate", "demo --accounts 100", "demo")}
        shared, ports = f"unix:{sockets}/s", [f"127.0.0.1:{free_port()}" for _ in range(2)]
        addresses = {"account": shared, "permission": shared, "banner": ports[0], "activity": ports[1]}
        pages = free_port()
        first = ["services", "serve", f"account={shared}", f"permission={shared}", f"banner={ports[0]}"]
        second = ["services", "serve", "activity"]
        own = {"METRICS_PORT": str(pages), "WORKER": "1"}
        elsewhere = {"ADDRESSES__ACTIVITY": ports[1], "PORT": "1", "WORKER": "2"}
        with (
            running(first, {**settings, **own}, folder / "first.txt") as one,
            running(second, {**settings, **elsewhere}, folder / "second.txt") as other,
        ):
            yield House(settings, addresses, told, f"http://127.0.0.1:{pages}")
            ends = [process.stop(signal.SIGTERM)[0] for process in (one, other)]
            assert ends == [0, 0], one.output + other.output


def printed(command: str, settings: Mapping[str, str]) -> str:
    """What a command that must succeed printed."""
    done = finished(["services", *command.split()], settings)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return str(done.stdout)


@asynccontextmanager
async def channel_to(house: "House", backend: str, address: str) -> AsyncIterator[grpc.aio.Channel]:
    """A channel as the gateway opens it, once the backend serves."""
    await asyncio.wait_for(until_serving(backend, address), PATIENCE)
    async with open_channel(backend, address, Metrics(), house.trust.caller("gateway")) as channel:
        yield channel


async def until_serving(backend: str, address: str) -> None:
    ask = health_pb2.HealthCheckRequest(service=BACKENDS[backend].service)
    # Not on a connection to a process that was killed here before.
    own = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(address, own) as channel:
        async for reply in health_pb2_grpc.HealthStub(channel).Watch(ask, wait_for_ready=True):
            if reply.status == health_pb2.HealthCheckResponse.SERVING:
                return


@pytest.fixture
async def channels(house: House) -> AsyncIterator[Mapping[str, grpc.aio.Channel]]:
    async with AsyncExitStack() as closing:
        yield {
            backend: await closing.enter_async_context(channel_to(house, backend, address))
            for backend, address in house.addresses.items()
        }


@pytest.fixture
def ada(house: House) -> identity_pb2.Viewer:
    """Somebody, as the account backend proves it."""
    return house.trust.issuer.viewer(1, identity_pb2.ACCOUNT_TYPE_PERSONAL)


Channels = Mapping[str, grpc.aio.Channel]


def test_commands_tell_what_they_did(house: House) -> None:
    assert house.told["migrate"] == "".join(f"{name}: up to date\n" for name in BACKENDS)
    assert house.told["demo --accounts 100"].endswith("".join(f"{name}: filled\n" for name in WITH_DEMO))
    assert house.told["demo"].endswith("".join(f"{name}: has rows, left as it is\n" for name in WITH_DEMO))


async def test_account_answers(channels: Channels) -> None:
    stub = account_pb2_grpc.AccountServiceStub(channels["account"])
    reply = await stub.BatchGetAccounts(account_pb2.BatchGetAccountsRequest(ids=[1, 2, 3, 4, 101]))
    handles = {account.id: account.handle for account in reply.accounts}
    assert handles == {1: "ada", 2: "bo", 3: "corp", 4: "sam"}


async def test_a_session_opened_in_one_call_is_known_in_the_next(channels: Channels) -> None:
    stub = account_pb2_grpc.AccountServiceStub(channels["account"])
    token = await token_of(channels["account"])
    reply = await stub.BatchVerifySessions(account_pb2.BatchVerifySessionsRequest(tokens=[token, "nobody's"]))
    assert [session.viewer.account_id for session in reply.sessions] == [1, 0]


async def test_permission_answers(channels: Channels, ada: identity_pb2.Viewer) -> None:
    stub = permission_pb2_grpc.PermissionServiceStub(channels["permission"])
    reply = await stub.BatchListFeatures(permission_pb2.BatchListFeaturesRequest(viewers=[ada]))
    [answer] = reply.answers
    assert (answer.viewer.account_id, answer.viewer.assertion) == (1, "")
    assert len(answer.features) > 0


async def test_banner_answers(channels: Channels, ada: identity_pb2.Viewer) -> None:
    stub = banner_pb2_grpc.BannerServiceStub(channels["banner"])
    question = banner_pb2.BatchListBannersRequest.Question(viewer=ada, slot=banner_pb2.BANNER_SLOT_HOME_TOP)
    reply = await stub.BatchListBanners(banner_pb2.BatchListBannersRequest(questions=[question]))
    assert [answer.slot for answer in reply.answers] == [banner_pb2.BANNER_SLOT_HOME_TOP]


async def test_activity_answers(channels: Channels, ada: identity_pb2.Viewer) -> None:
    stub = activity_pb2_grpc.ActivityServiceStub(channels["activity"])
    question = activity_pb2.BatchListFeedsRequest.Question(viewer=ada, page=activity_pb2.PageRequest(first=20))
    reply = await stub.BatchListFeeds(activity_pb2.BatchListFeedsRequest(questions=[question]))
    assert [len(page.items) for page in reply.pages] == [20]


async def test_a_refusal_keeps_its_words_between_processes(channels: Channels) -> None:
    stub = account_pb2_grpc.AccountServiceStub(channels["account"])
    wrong = account_pb2.SignInRequest(handle="ada", password="guess")
    with pytest.raises(errcode.BadCredentials, match=r"^wrong handle or password$"):
        await stub.SignIn(wrong)


async def test_each_address_says_what_is_there(channels: Channels) -> None:
    mine = {
        name: {service for service in await reflected(channel) if "grpc" not in service}
        for name, channel in channels.items()
    }
    together = {BACKENDS["account"].service, BACKENDS["permission"].service}
    assert mine == {
        "account": together,
        "permission": together,
        "banner": {BACKENDS["banner"].service},
        "activity": {BACKENDS["activity"].service},
    }


async def test_a_process_tells_of_itself(channels: Channels, house: House) -> None:
    stub = account_pb2_grpc.AccountServiceStub(channels["account"])
    await stub.BatchGetAccounts(account_pb2.BatchGetAccountsRequest(ids=[1]))
    async with httpx.AsyncClient(base_url=house.pages) as client:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).json() == {"ready": True, "failing": []}
        told = (await client.get("/metrics")).text
    assert 'atrium_rpc_server_seconds_count{code="OK",method="/account.v1.AccountService/BatchGetAccounts"}' in told


@contextmanager
def own_process(house: House, folder: Path, *words: str) -> Iterator[Running]:
    with running(["services", "serve", *words], house.settings, folder / "own.txt") as process:
        yield process


async def test_calls_in_flight_are_answered_when_the_process_is_told_to_stop(house: House, tmp_path: Path) -> None:
    with socket_folder() as sockets, own_process(house, tmp_path, f"account=unix:{sockets}/s") as process:
        async with channel_to(house, "account", f"unix:{sockets}/s") as channel, asyncio.TaskGroup() as group:
            calls = [group.create_task(token_of(channel)) for _ in range(8)]
            await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            code, seconds = await asyncio.to_thread(process.stop, signal.SIGTERM)
        assert len({call.result() for call in calls}) == 8
        assert (code, is_there(f"unix:{sockets}/s")) == (0, False)
        assert seconds < 3
        events = [json.loads(line)["event"] for line in process.output.splitlines()]
    alone = ("events wait in the outbox", "the cache is of this process alone")
    assert [event for event in events if not event.startswith(alone)] == ["serving"]
    if house.settings.get("CACHE") is None:
        assert "the cache is of this process alone: set ATRIUM_CACHE to share it with others" in events


async def token_of(channel: grpc.aio.Channel) -> str:
    """The token of a new session; the longest call there is, for a password is slow to check."""
    return (await account_pb2_grpc.AccountServiceStub(channel).SignIn(SIGN_IN)).token


async def test_what_was_written_outlives_a_process_that_is_killed(house: House, tmp_path: Path) -> None:
    with socket_folder() as sockets:
        address = f"unix:{sockets}/s"
        with own_process(house, tmp_path, f"account={address}") as process:
            async with channel_to(house, "account", address) as channel:
                token = await token_of(channel)
                process.kill()
        with own_process(house, tmp_path, f"account={address}"):
            async with channel_to(house, "account", address) as channel:
                stub = account_pb2_grpc.AccountServiceStub(channel)
                ask = account_pb2.BatchVerifySessionsRequest(tokens=[token])
                [session] = (await stub.BatchVerifySessions(ask)).sessions
    assert session.viewer.account_id == 1
