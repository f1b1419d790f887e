"""Three servers of one backend: what their callers notice when one of them dies, freezes or fails."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory

import grpc.aio
import pytest

from schema import errcode
from schema.generated.identity.v1 import identity_pb2
from schema.generated.permission.v1 import permission_pb2 as pb
from schema.generated.permission.v1.permission_pb2_grpc import PermissionServiceStub
from services.runtime.channels import open_channel
from services.runtime.deadline import deadline_in
from services.runtime.telemetry import Metrics
from tests.open_doors import Stranger

VIEWER = identity_pb2.Viewer(account_id=1, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL)
REQUEST = pb.BatchCheckPermissionsRequest(
    questions=[pb.BatchCheckPermissionsRequest.Question(viewer=VIEWER, permission="profile.edit")]
)
NAMES = ("one", "two", "three")
EVERY = 0.005
"""Seconds between two calls."""


@contextmanager
def replicas(folder: str, *failing: str) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """Three processes; those that are named always fail."""
    with ExitStack() as closing:
        running = {}
        for name in NAMES:
            command = [sys.executable, "-m", "tests.services.runtime.channels.replica", f"unix:{folder}/{name}"]
            process = closing.enter_context(subprocess.Popen([*command, *["fails"] * (name in failing)]))
            closing.callback(process.kill)
            running[name] = process
        yield running


@pytest.fixture
def folder() -> Iterator[str]:
    with TemporaryDirectory(prefix="atrium-") as short:
        yield short


def addresses(folder: str) -> str:
    return ",".join(f"unix:{folder}/{name}" for name in NAMES)


async def all_there(folder: str) -> None:
    """Returns once each server answers."""
    async with asyncio.timeout(60):
        for name in NAMES:
            async with grpc.aio.insecure_channel(f"unix:{folder}/{name}") as channel:
                await channel.channel_ready()


async def ask(channel: grpc.aio.Channel, calls: int) -> list[bool]:
    """Whether each of so many calls, begun one after the other whatever became of those before, was answered."""
    stub = PermissionServiceStub(channel)

    async def one() -> bool:
        try:
            await stub.BatchCheckPermissions(REQUEST)
        except errcode.AtriumError:
            return False
        return True

    with deadline_in(30):
        async with asyncio.TaskGroup() as group:
            asked = []
            for _ in range(calls):
                asked.append(group.create_task(one()))
                await asyncio.sleep(EVERY)
    return [each.result() for each in asked]


async def test_one_that_is_killed_is_not_noticed_and_when_all_are_the_first_to_return_is_found(folder: str) -> None:
    with replicas(folder) as running:
        await all_there(folder)
        async with open_channel("permission", addresses(folder), Metrics(), Stranger()) as channel:
            assert all(await ask(channel, 100))
            running["two"].kill()
            assert all(await ask(channel, 300))
            for process in running.values():
                process.kill()
            assert not any(await ask(channel, 100))
            with replicas(folder):
                async with asyncio.timeout(60):
                    while not all(await ask(channel, 10)):
                        continue


async def test_one_that_freezes_is_soon_left_out(folder: str) -> None:
    with replicas(folder) as running:
        await all_there(folder)
        async with open_channel("permission", addresses(folder), Metrics(), Stranger()) as channel:
            assert all(await ask(channel, 300))
            running["two"].send_signal(signal.SIGSTOP)
            answered = await ask(channel, 600)
    assert answered.count(False) <= 60
    assert answered[-200:].count(False) <= 20


async def test_one_that_always_fails_is_soon_left_out(folder: str) -> None:
    with replicas(folder, "two"):
        await all_there(folder)
        async with open_channel("permission", addresses(folder), Metrics(), Stranger()) as channel:
            answered = await ask(channel, 600)
    assert 3 <= answered.count(False) <= 100
    assert answered[-200:].count(False) <= 20
