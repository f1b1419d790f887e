"""docs/subscriptions.md: its examples run, and its tables tell what there is."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.push import messages
from services.runtime.telemetry import Metrics
from tests.docs.documents import ROOT, blocks
from tests.docs.shell import run
from tests.docs.test_readme import DEFAULT_ADDRESS
from tests.gateway.graphiql.process import running_gateway

SUBSCRIPTIONS = "docs/subscriptions.md"
TEXT = (ROOT / SUBSCRIPTIONS).read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("subscriptions")


@pytest.fixture(scope="module")
def gateway(folder: Path) -> Iterator[str]:
    with running_gateway(folder) as address:
        yield address


def signed_in(gateway: str, handle: str) -> str:
    return str(ask(gateway, f'mutation {{ signIn(handle: "{handle}", password: "atrium-demo") {{ token }} }}')["token"])


def ask(gateway: str, query: str, token: str = "") -> Any:
    """What the only field of an operation answers."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    answer = httpx.post(f"{gateway}/graphql", json={"query": query}, headers=headers).json()
    [found] = answer["data"].values()
    return found


def test_every_shell_example_runs(gateway: str, folder: Path) -> None:
    ended = run("\n".join(blocks(SUBSCRIPTIONS, "sh")).replace(DEFAULT_ADDRESS, gateway), folder / "data")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.startswith('event: next\ndata: {"data":{"feedActivityAdded":{"id":"act_')


async def test_the_client_is_told_what_it_missed_and_what_happens(gateway: str) -> None:
    [client] = blocks(SUBSCRIPTIONS, "python")
    defined: dict[str, Any] = {}
    exec(client, defined)
    ada, bo = signed_in(gateway, "ada"), signed_in(gateway, "bo")
    publish = 'mutation { publishActivity(input: {kind: POST, text: "told"}) { id } }'
    ask(gateway, 'mutation { follow(accountId: "acc_2") { id } }', ada)
    seen, missed = [ask(gateway, publish, bo)["id"] for _ in range(2)]
    told = defined["activities"](gateway.replace("http", "ws") + "/graphql", ada, seen)
    async with asyncio.timeout(60):
        assert await anext(told) == {"id": missed, "text": "told"}
        new = ask(gateway, publish, bo)["id"]
        assert await anext(told) == {"id": new, "text": "told"}
    await told.aclose()


def test_every_close_code_is_told() -> None:
    codes = {value for value in vars(messages).values() if isinstance(value, int) and value >= 4000}
    assert len(codes) == 8
    assert {int(code) for code in re.findall(r"^\| (4\d{3}) \|", TEXT, re.MULTILINE)} == codes


def test_every_metric_named_is_there() -> None:
    there = {sample.name for metric in Metrics().registry.collect() for sample in metric.samples}
    there |= {f"{metric.name}_total" for metric in Metrics().registry.collect() if metric.type == "counter"}
    named = set(re.findall(r"`(atrium_\w+)`", TEXT))
    assert len(named) == 4
    assert named <= there
