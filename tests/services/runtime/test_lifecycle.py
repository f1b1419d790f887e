"""Whatever ends a process ends all of it, in good order and in time."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from services.runtime.lifecycle import Readiness, launch, run
from services.runtime.pulse import Pulse
from services.runtime.telemetry import Metrics


@dataclass
class Fake:
    """Serves until it is stopped, and writes down what happens to it."""

    name: str
    story: list[str]
    readiness: Readiness | None = None
    graces: list[float] = field(default_factory=list)
    drain: float = 0
    began: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self) -> None:
        self.story.append(f"{self.name} serves")
        self.began.set()
        await self.stopped.wait()
        self.story.append(f"{self.name} ends")

    async def stop(self, grace: float) -> None:
        ready = self.readiness is not None and not self.readiness.stopping
        self.story.append(f"{self.name} stops" + (" while ready" if ready else ""))
        self.graces.append(grace)
        self.stopping.set()
        await asyncio.sleep(min(self.drain, grace))
        self.stopped.set()


class Failing(Fake):
    async def serve(self) -> None:
        raise OSError("disk on fire")


class Leaving(Fake):
    async def serve(self) -> None:
        """Ends although nobody asked it to."""


class Stubborn(Fake):
    async def stop(self, grace: float) -> None:
        self.story.append(f"{self.name} stops")
        await asyncio.Event().wait()


class Clumsy(Fake):
    async def stop(self, grace: float) -> None:
        raise OSError("cannot let go")


async def signalled_once_serving(server: Fake, number: signal.Signals = signal.SIGTERM) -> None:
    await server.began.wait()
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_all_in_reverse_and_is_no_failure(number: signal.Signals) -> None:
    story: list[str] = []
    readiness = Readiness()
    first, second = Fake("first", story, readiness), Fake("second", story, readiness)
    async with asyncio.TaskGroup() as group:
        group.create_task(signalled_once_serving(second, number))
        assert await run(first, second, readiness=readiness) == 0
    assert story == ["first serves", "second serves", "second stops", "second ends", "first stops", "first ends"]


@pytest.mark.parametrize("kind", [Failing, Leaving])
async def test_the_first_that_fails_stops_the_rest_and_the_exit_code_says_so(kind: type[Fake]) -> None:
    story: list[str] = []
    readiness = Readiness()
    with capture_logs() as logs:
        code = await run(Fake("well", story, readiness), kind("ill", story), readiness=readiness)
    assert code == 1
    assert story == ["well serves", "ill stops", "well stops", "well ends"]
    assert [(entry["event"], entry["log_level"], entry["server"]) for entry in logs] == [
        ("server failed", "error", kind.__name__)
    ]


async def test_servers_share_the_time_to_drain() -> None:
    first, second = Fake("first", []), Fake("second", [], drain=600)
    async with asyncio.TaskGroup() as group:
        group.create_task(signalled_once_serving(second))
        await run(first, second, readiness=Readiness(), drain_seconds=0.3)
    [grace] = second.graces
    assert 0 < grace <= 0.3
    assert first.graces == [0]


async def test_a_second_signal_stops_at_once() -> None:
    story: list[str] = []
    server = Fake("slow", story, drain=600)
    started = time.monotonic()

    async def impatient() -> None:
        await signalled_once_serving(server)
        await server.stopping.wait()
        os.kill(os.getpid(), signal.SIGTERM)

    async with asyncio.TaskGroup() as group:
        group.create_task(impatient())
        assert await run(server, readiness=Readiness(), drain_seconds=600) == 0
    assert time.monotonic() - started < 300
    assert "slow ends" not in story


async def test_who_is_replaced_goes_on_for_a_while_but_is_not_ready() -> None:
    story: list[str] = []
    readiness = Readiness()
    server = Fake("server", story, readiness)

    async def watch() -> None:
        began = time.monotonic()
        await signalled_once_serving(server)
        await readiness.stopped()
        assert not server.stopping.is_set()
        await server.stopping.wait()
        assert time.monotonic() - began >= 0.2

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        assert await run(server, readiness=readiness, notice_seconds=0.25) == 0
    assert story == ["server serves", "server stops", "server ends"]


async def test_a_person_at_a_terminal_need_not_wait() -> None:
    server = Fake("server", [])
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(signalled_once_serving(server, signal.SIGINT))
        assert await run(server, readiness=Readiness(), notice_seconds=600) == 0


async def test_a_second_signal_ends_the_notice() -> None:
    server, readiness = Fake("server", []), Readiness()

    async def impatient() -> None:
        await signalled_once_serving(server)
        await readiness.stopped()
        os.kill(os.getpid(), signal.SIGTERM)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(impatient())
        assert await run(server, readiness=readiness, notice_seconds=600) == 0


async def test_a_server_that_does_not_stop_is_left_behind() -> None:
    story: list[str] = []
    first, second = Fake("first", story), Stubborn("second", story)
    async with asyncio.TaskGroup() as group:
        group.create_task(signalled_once_serving(second))
        with capture_logs() as logs:
            assert await run(first, second, readiness=Readiness(), drain_seconds=0) == 0
    assert story[-2:] == ["first stops", "first ends"]
    assert [entry["event"] for entry in logs] == ["server did not stop in good order"]


async def test_a_server_that_fails_to_stop_does_not_keep_others_from_it() -> None:
    story: list[str] = []
    first, second = Fake("first", story), Clumsy("second", story)
    async with asyncio.TaskGroup() as group:
        group.create_task(signalled_once_serving(second))
        with capture_logs():
            await run(first, second, readiness=Readiness(), drain_seconds=0)
    assert story[-2:] == ["first stops", "first ends"]


async def test_signals_mean_afterwards_what_they_meant_before() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with capture_logs():
        await run(Leaving("server", []), readiness=Readiness())
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_servers_run_in_a_thread_that_gets_no_signals() -> None:
    codes: list[int] = []

    async def short() -> int:
        with capture_logs():
            return await run(Leaving("server", []), readiness=Readiness())

    thread = threading.Thread(target=lambda: codes.append(launch(short)))
    thread.start()
    thread.join()
    assert codes == [1]


async def test_a_process_is_ready_while_its_checks_pass_and_it_is_not_stopping() -> None:
    readiness = Readiness()
    answers = {"store": True, "cache": True}

    async def store() -> bool:
        return answers["store"]

    async def cache() -> bool:
        if not answers["cache"]:
            raise ConnectionError
        return True

    readiness.add("store", store)
    readiness.add("cache", cache)
    assert await readiness.failing() == []
    answers.update(store=False)
    assert await readiness.failing() == ["store"]
    answers.update(store=True, cache=False)
    assert await readiness.failing() == ["cache"]
    readiness.go_down()
    assert await readiness.failing() == ["stopping"]


async def test_a_loop_that_is_held_up_shows_in_the_metrics() -> None:
    metrics = Metrics()

    def lag() -> float:
        return metrics.registry.get_sample_value("atrium_loop_lag_seconds") or 0.0

    async with asyncio.TaskGroup() as group:
        pulse = Pulse()
        beating = group.create_task(pulse.beat(metrics.loop_lag, every=0.2))
        await asyncio.sleep(0)
        held_until = time.monotonic() + 0.4
        while time.monotonic() < held_until:
            pass
        await pulse.beaten()
        beating.cancel()
    assert 0.1 < lag() < 60


PROCESS = """
import asyncio, contextlib, sys
from services.runtime.lifecycle import Readiness, launch, run

class Echo:
    def __init__(self):
        self.over = asyncio.Event()
    async def serve(self):
        print("serving", flush=True)
        await self.over.wait()
    async def stop(self, grace):
        print("stopping", flush=True)
        self.over.set()

@contextlib.asynccontextmanager
async def resource():
    try:
        yield
    finally:
        print("closed", flush=True)

async def main():
    async with resource():
        if "starting" in sys.argv:
            print("starting", flush=True)
            await asyncio.Event().wait()
        return await run(Echo(), readiness=Readiness())

sys.exit(launch(main))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("argument", "story"),
    [("serving", ["serving", "stopping", "closed"]), ("starting", ["starting", "closed"])],
)
def test_a_process_ends_in_good_order(argument: str, story: list[str], number: signal.Signals) -> None:
    command = [sys.executable, "-c", PROCESS, argument]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline().strip()
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert [first, *out.split()] == story
    assert (process.returncode, err) == (0, "")
