"""Several real processes behind one port: they share the work, come back when they die, and lose nothing at the end."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import grpc.aio
import httpx
import pytest

from gateway.workers import FIRST_PAUSE, LONGEST_PAUSE, listen_for, pauses
from schema.generated.banner.v1 import banner_pb2, banner_pb2_grpc
from services.runtime.lifecycle import StartError
from tests.conftest import free_port
from tests.gateway.process import PATIENCE, Running, finished, running

CONNECTIONS = 24
"""The odds that one of two workers gets none of them are 1 to 8 million."""
BANNERS = {"query": "{ viewer { home { banners { id } } } }"}
NONE: Any = {"data": {"viewer": {"home": {"banners": []}}}}
WORKERS = ("gateway", "run", "--workers", "2")


class Banners(banner_pb2_grpc.BannerServiceServicer):
    """Has none, and says so when it is let."""

    def __init__(self) -> None:
        self.asked, self.open = asyncio.Event(), asyncio.Event()
        self.open.set()

    async def BatchListBanners(
        self, request: banner_pb2.BatchListBannersRequest, context: Any
    ) -> banner_pb2.BatchListBannersResponse:
        self.asked.set()
        await self.open.wait()
        answers = [
            banner_pb2.BatchListBannersResponse.Answer(viewer=one.viewer, slot=one.slot) for one in request.questions
        ]
        return banner_pb2.BatchListBannersResponse(answers=answers)


class House:
    """Two workers in front of a backend of this process; all else is away."""

    def __init__(self, process: Running, port: int, banners: Banners) -> None:
        self.process = process
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.banners = banners

    async def ask_at_once(self) -> list[Any]:
        """Answers over as many connections, which are in use already."""
        async with AsyncExitStack() as closing:
            clients = [
                await closing.enter_async_context(httpx.AsyncClient(timeout=PATIENCE)) for _ in range(CONNECTIONS)
            ]
            await asyncio.gather(*(client.get(f"{self.url}/livez") for client in clients))
            asked = (client.post(f"{self.url}/graphql", json=BANNERS) for client in clients)
            return [response.json() for response in await asyncio.gather(*asked)]

    async def until_all_have_read(self) -> None:
        """Returns once every worker has answered what was asked after all else."""
        async with AsyncExitStack() as closing:
            for _ in range(CONNECTIONS):
                client = await closing.enter_async_context(httpx.AsyncClient(timeout=PATIENCE))
                await client.get(f"{self.url}/livez")

    def told(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.process.log() if line["event"] == event]

    async def until_told(self, event: str, times: int) -> list[dict[str, Any]]:
        """The lines, as soon as there are so many."""
        await asyncio.to_thread(wait_until, lambda: len(self.told(event)) >= times)
        return self.told(event)


def wait_until(condition: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.05)


@asynccontextmanager
async def open_house(folder: Path, **settings: str) -> AsyncIterator[House]:
    banners, server, port = Banners(), grpc.aio.server(), free_port()
    banner_pb2_grpc.add_BannerServiceServicer_to_server(banners, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    away = {f"ADDRESSES__{name}": f"127.0.0.1:{free_port()}" for name in ("ACCOUNT", "PERMISSION", "ACTIVITY", "ADMIN")}
    known = {"PORT": str(port), "ADDRESSES__BANNER": address, "CACHES__LOCAL": "false"}
    patient = {"DRAIN_SECONDS": "20", "REQUEST_SECONDS": "40"}
    try:
        with running(WORKERS, known | away | patient | settings, folder / "output.txt") as process:
            house = House(process, port, banners)
            await house.until_told("worker serves", 2)
            yield house
            banners.open.set()
    finally:
        await server.stop(None)


async def test_all_workers_answer_with_numbers_of_their_own_and_none_outlives_who_started_them(
    tmp_path: Path,
) -> None:
    pages = two_free_ports()
    async with open_house(tmp_path, METRICS_PORT=str(pages)) as house:
        assert await house.ask_at_once() == [NONE] * CONNECTIONS
        await house.until_told("request", 2 * CONNECTIONS)
        lines = [line for line in house.told("request") if line["path"] == "/graphql"]
        answered = [sum(line["worker"] == number for line in lines) for number in (1, 2)]
        assert min(answered) > 0
        assert sum(answered) == CONNECTIONS
        async with httpx.AsyncClient() as client:
            counted = [await requests_counted(client, pages + number) for number in (0, 1)]
        assert counted == answered
        assert f"{house.url}/graphql" in house.process.output
        assert house.process.output.count("Atrium started") == 1
        [alone] = house.told("each worker has a cache and limits of its own: set ATRIUM_CACHE to one that they share")
        assert alone["level"] == "warning"
        pids = [line["pid"] for line in house.told("worker serves")]
        house.process.kill()  # Nobody is left to tell the workers to end.
        await asyncio.to_thread(wait_until, lambda: not any(map(is_alive, pids)))


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and not only the memory of one."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


async def requests_counted(client: httpx.AsyncClient, port: int) -> int:
    lines = (await client.get(f"http://127.0.0.1:{port}/metrics")).text.splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith("atrium_request_seconds_count"))


def two_free_ports() -> int:
    """The first of two ports that nobody listens on, from where the system takes none for others."""
    while True:
        port = random.randrange(15_000, 30_000)
        if all(is_refused(each) for each in (port, port + 1)):
            return port


async def test_a_worker_that_is_killed_comes_back_and_at_the_end_nothing_is_lost(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        first = {line["worker"]: line["pid"] for line in house.told("worker serves")}
        os.kill(first[1], signal.SIGKILL)
        assert await house.ask_at_once() == [NONE] * CONNECTIONS
        *_, again = await house.until_told("worker serves", 3)
        assert (again["worker"], again["pid"] != first[1]) == (1, True)
        assert [(line["worker"], line["exit_code"]) for line in house.told("worker died")] == [(1, -9)]
        assert await house.ask_at_once() == [NONE] * CONNECTIONS
        async with asyncio.TaskGroup() as group:
            house.banners.open.clear()
            house.banners.asked.clear()
            asked = group.create_task(house.ask_at_once())
            await asyncio.wait_for(house.banners.asked.wait(), PATIENCE)
            await house.until_all_have_read()
            stopping = group.create_task(asyncio.to_thread(house.process.stop, signal.SIGTERM))
            await asyncio.to_thread(wait_until, lambda: is_refused(house.port))
            house.banners.open.set()
            assert await asked == [NONE] * CONNECTIONS
            assert (await stopping)[0] == 0
    assert house.told("workers killed") == []


def is_refused(port: int) -> bool:
    """Whether nobody listens any more."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_worker_that_cannot_start_ends_all(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text("{")
    result = finished(WORKERS, {"PORT": str(free_port()), "DOCUMENTS": str(manifest)})
    assert result.returncode == 1
    assert f"atrium: {manifest}: is not JSON" in result.stderr


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        result = finished(WORKERS, {"PORT": str(port), "CACHE": "redis://127.0.0.1:1/0", "METRICS_PORT": "1"})
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"atrium: cannot listen on 127.0.0.1:{port}: address already in use\n"


def test_everything_in_one_process_has_no_workers() -> None:
    result = finished((*WORKERS, "--embedded"))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "atrium: --embedded is one process: for several workers run backends by themselves, python -m services serve\n"
    )


def test_no_port_is_shared_with_strangers() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as stranger:
        port = stranger.getsockname()[1]
        with pytest.raises(StartError, match="address already in use"):
            listen_for(2, "127.0.0.1", port)


def test_whoever_dies_early_again_and_again_is_started_later_each_time() -> None:
    found = list(islice(pauses(), 9))
    assert found[:4] == [0.0, FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert found[-1] == LONGEST_PAUSE
