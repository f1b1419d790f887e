"""Equal queries of one moment are run once; each who asks is answered, counted and limited by itself."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, MutableMapping
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from structlog.testing import capture_logs

from gateway.joint import Joint, open_joint
from gateway.rates import Rates
from services.runtime.deadline import deadline_in
from services.runtime.telemetry import Metrics, configure_tracing, span
from tests.gateway.conftest import House, settings_of
from tests.gateway.joint_machine import JointMachine
from tests.gateway.test_home import HOME, SIX
from tests.loaders.squares import turns

EQUAL = 8
FOLLOWING = "{ viewer { account { followingCount } home { feed(first: 1) { edges { cursor } } } } }"
FOLLOW = 'mutation { follow(accountId: "acc_7") { __typename } }'
UNFOLLOW = 'mutation { unfollow(accountId: "acc_7") { __typename } }'
AUDITS = "{ admin { audits(first: 50) { edges { node { __typename } } } } }"


class Gate(grpc.aio.UnaryUnaryClientInterceptor):
    """Lets calls of one method through only while it is open."""

    def __init__(self, method: str) -> None:
        self._method = method
        self.asked, self.open, self.given_up = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
        method = details.method if isinstance(details.method, str) else details.method.decode()
        if method.endswith(self._method):
            self.asked.set()
            try:
                await self.open.wait()
            except asyncio.CancelledError:
                self.given_up.set()
                raise
        return await continuation(details, request)


@pytest.fixture
async def house(house_with: Callable[..., Any]) -> AsyncIterator[House]:
    """One whose deadlines are far away: they differ by less than would count."""
    async with house_with(request_seconds=300) as opened:
        yield opened


def joins(house: House) -> float:
    return house.metrics.registry.get_sample_value("atrium_operations_joined_total") or 0


@pytest.fixture
def logs() -> Any:
    with capture_logs() as captured:
        yield captured


async def test_equal_queries_of_one_moment_cost_as_many_calls_as_one(house: House) -> None:
    first, *others = await asyncio.gather(*(house.data(HOME, "ada") for _ in range(EQUAL)))
    assert all(one == first for one in others)
    assert house.rpcs() == SIX
    assert joins(house) == EQUAL - 1


async def test_switched_off_each_is_run_by_itself(house_with: Callable[..., Any]) -> None:
    async with house_with(share_answers=False, share_calls=False) as house:
        await asyncio.gather(*(house.data(HOME, "ada") for _ in range(EQUAL)))
        assert house.rpcs() == {name: calls * EQUAL for name, calls in SIX.items()}
        assert joins(house) == 0


async def test_whatever_may_make_another_answer_makes_another_query(house_with: Callable[..., Any]) -> None:
    async with house_with(lanes="blue") as house:
        token = house.tokens["ada"]
        offered: list[tuple[dict[str, Any], dict[str, str]]] = [
            ({}, {}),
            ({}, {"authorization": "Basic x"}),
            ({}, {"authorization": f"Bearer {token}"}),
            ({}, {"authorization": f"Bearer {house.tokens['bo']}"}),
            ({}, {"authorization": f"Bearer {token}", "x-atrium-lane": "blue"}),
            ({}, {"authorization": f"Bearer {token}", "x-request-timeout-ms": "2000"}),
            ({"variables": {"first": 1}}, {"authorization": f"Bearer {token}"}),
            ({"variables": {"first": True}}, {"authorization": f"Bearer {token}"}),
        ]
        asked = [
            house.http.post("/graphql", json={"query": HOME, **body}, headers=headers) for body, headers in offered
        ]
        answers = [response.json() for response in await asyncio.gather(*asked)]
        assert joins(house) == 0
        handles = [((one.get("data") or {}).get("viewer") or {}).get("account") for one in answers]
        assert [one and one["handle"] for one in handles] == [None, None, "ada", "bo", "ada", "ada", "ada", None]
        assert [one["errors"][0]["extensions"]["code"] for one in answers if "errors" in one] == [4010100, 4000100]


async def test_each_is_logged_counted_and_measured(house: House, logs: list[MutableMapping[str, Any]]) -> None:
    await asyncio.gather(*(house.data(HOME, "ada") for _ in range(EQUAL)))
    lines = [line for line in logs if line["event"] == "request"]
    assert Counter((line["operation"], line["viewer"], line["rpcs"], line["shared"]) for line in lines) == {
        ("Home", "PERSONAL", 6, 6): EQUAL
    }
    sample = house.metrics.registry.get_sample_value
    assert sample("atrium_request_seconds_count", {"code": "2000000", "viewer": "PERSONAL"}) == EQUAL
    assert sample("atrium_request_rpcs_sum") == pytest.approx(6)


async def test_each_is_told_the_trace_of_its_own_request_with_an_error(house: House) -> None:
    asked = (house.post('{ account(id: "acc_999999") { id } }', "ada") for _ in range(EQUAL))
    responses = await asyncio.gather(*asked)
    traces = [one.json()["errors"][0]["extensions"]["traceId"] for one in responses]
    assert traces == [one.headers["x-trace-id"] for one in responses]
    assert len(set(traces)) == EQUAL
    assert joins(house) == EQUAL - 1


async def test_each_is_told_what_was_left_out(house: House, logs: list[MutableMapping[str, Any]]) -> None:
    await house.backends.stop("banner")
    answers = await asyncio.gather(*(house.ask(HOME, "ada") for _ in range(EQUAL)))
    assert [[one["backend"] for one in answer["extensions"]["degraded"]] for answer in answers] == [["banner"]] * EQUAL
    assert [line["degraded"] for line in logs if line["event"] == "request"] == [1] * EQUAL


async def test_whoever_asks_after_a_change_joins_nothing_that_began_before(house_with: Callable[..., Any]) -> None:
    gate = Gate("BatchListFeeds")
    async with house_with(interceptors=[gate], request_seconds=300) as house, asyncio.TaskGroup() as group:
        await house.data(UNFOLLOW, "ada")
        before = group.create_task(house.data(FOLLOWING, "ada"))
        joined = group.create_task(house.data(FOLLOWING, "ada"))
        await gate.asked.wait()
        await house.data(FOLLOW, "ada")
        gate.asked.clear()
        after = group.create_task(house.data(FOLLOWING, "ada"))
        await gate.asked.wait()
        gate.open.set()
        counts = [(await one)["viewer"]["account"]["followingCount"] for one in (before, joined, after)]
        assert counts == [counts[0], counts[0], counts[0] + 1]
        assert joins(house) == 1


async def test_one_who_leaves_takes_nobody_along_and_the_last_ends_the_work(house_with: Callable[..., Any]) -> None:
    gate = Gate("BatchListFeeds")
    async with (
        house_with(interceptors=[gate], share_calls=False, request_seconds=300) as house,
        asyncio.TaskGroup() as group,
    ):
        asked = [group.create_task(house.data(HOME, "ada")) for _ in range(3)]
        await gate.asked.wait()
        assert joins(house) == 2
        asked[0].cancel()
        asked[1].cancel()
        await asyncio.wait(asked[:2])
        assert not gate.given_up.is_set()
        asked[2].cancel()
        await gate.given_up.wait()


async def test_each_has_the_deadline_that_it_asked_for(house_with: Callable[..., Any]) -> None:
    gate = Gate("BatchListFeeds")
    async with house_with(interceptors=[gate], request_seconds=300) as house, asyncio.TaskGroup() as group:
        patient = group.create_task(house.data(HOME, "ada"))
        headers = {"authorization": f"Bearer {house.tokens['ada']}", "x-request-timeout-ms": "1000"}
        hasty = (await house.http.post("/graphql", json={"query": HOME}, headers=headers)).json()
        assert {one["code"] for one in hasty["extensions"]["degraded"]} == {5040100}
        gate.open.set()
        assert len((await patient)["viewer"]["home"]["feed"]["edges"]) == 20


async def test_each_counts_towards_the_limits(house_with: Callable[..., Any]) -> None:
    async with house_with(rates=Rates(address_fields="5/hour")) as house:
        responses = await asyncio.gather(*(house.post(HOME, "ada") for _ in range(EQUAL)))
        assert sorted(response.status_code for response in responses) == [200] * 5 + [429] * (EQUAL - 5)


async def test_who_joins_links_to_what_it_joins() -> None:
    spans = InMemorySpanExporter()
    gate = asyncio.Event()

    async def ask(joint: Joint[bool]) -> None:
        with span("request"), deadline_in(60):
            await joint.result("key", gate.wait)

    with configure_tracing(settings_of(Path()), exporter=spans):
        async with open_joint(Metrics()) as joint, asyncio.TaskGroup() as group:
            assert joint is not None
            for _ in range(2):
                group.create_task(ask(joint))
            await turns(5)
            gate.set()
    joined, *requests = sorted(spans.get_finished_spans(), key=lambda one: one.name)
    assert joined.name == "join an equal query"
    [other] = [one.context for one in requests if one.context != joined.parent]
    assert [link.context for link in joined.links] == [other]


async def test_reads_of_the_desk_are_each_written_down(house: House) -> None:
    await asyncio.gather(*(house.data(AUDITS, "sam") for _ in range(3)))
    assert joins(house) == 0
    assert len((await house.data(AUDITS, "sam"))["admin"]["audits"]["edges"]) >= 3


def test_however_queries_and_changes_come_together_each_is_told_what_is_its_own() -> None:
    run_state_machine_as_test(JointMachine, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))
