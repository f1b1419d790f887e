"""How an operation is parsed, validated, run and explained."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, NewType

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig
from structlog.testing import capture_logs

from gateway.body import Operation
from gateway.context import OperationContext
from gateway.documents import Documents, Registry
from gateway.errors import log_failures
from gateway.gaps import degradations
from gateway.operations import EXPLORE, Answer, Executor, Known, compiled
from gateway.rates import RateLimits, Rates
from gateway.settings import Settings
from schema import errcode
from schema.graphql.ports import Degradation
from schema.graphql.schema import Schema
from services.runtime.telemetry import Metrics, start_trace
from tests.gateway.conftest import House
from tests.gateway.push.fakes import Silent
from tests.gateway.test_context import FakeClients

OUTCOMES = ("compiled", "hit", "interpreted:middleware")
HIDDEN = "Cannot query field 'viewr' on type 'Query'."
LIMITS = replace(Settings().limits, tokens=60, depth=4, aliases=2)


Odd = NewType("Odd", int)
CONFIG = StrawberryConfig(scalar_map={Odd: strawberry.scalar(name="Odd", parse_value=int)})
"""A scalar that was not taught to refuse: what it raises is no refusal."""


@strawberry.type
class Query:
    @strawberry.field
    def odd(self, x: Odd) -> int:
        return x

    @strawberry.field
    def one(self, x: int = 1) -> int:
        return x

    @strawberry.field
    def self_again(self) -> "Query":
        return Query()

    @strawberry.field
    def broken(self) -> int:
        raise RuntimeError("the password is hunter2")

    @strawberry.field
    def missing(self) -> int:
        return None  # type: ignore[return-value]

    @strawberry.field
    def refused(self) -> int | None:
        raise errcode.PermissionDenied("admin.read")

    @strawberry.field
    async def down(self) -> int | None:
        raise errcode.BackendUnavailable("banner")

    @strawberry.field
    async def slow(self) -> int | None:
        await asyncio.Event().wait()
        return 1


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self) -> AsyncIterator[int]:
        yield 1


def executor(*, production: bool = False, seconds: float = 5.0) -> Executor:
    schema = Schema(Query, subscription=Subscription, extensions=[Known], config=CONFIG)
    rates = RateLimits(Rates(), production=production)
    return Executor(
        schema,
        Registry({}, only=False, automatic=False),
        Documents(schema._schema, LIMITS),
        rates,
        seconds,
        production=production,
    )


async def run(
    query: str,
    variables: dict[str, Any] | None = None,
    name: str | None = None,
    *,
    by: Executor | None = None,
) -> Answer:
    context = OperationContext(FakeClients(), Silent(), None, "here")
    return await (by or executor()).run(Operation(query, variables or {}, name), context)


def errors_of(answer: Answer) -> list[tuple[int, str]]:
    return [(error["extensions"]["code"], error["message"]) for error in answer.content["errors"]]


async def test_data_alone_are_answered_when_all_went_well() -> None:
    assert await run("{ one }") == Answer({"data": {"one": 1}}, None, has_data=True)


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("{", 4000200, "Syntax Error: Expected Name, found <EOF>."),
        ("nonsense", 4000200, "Syntax Error: Unexpected Name 'nonsense'."),
        ("{ nowhere }", 4000200, "Cannot query field 'nowhere' on type 'Query'."),
        ("query ($x: Int) { one }", 4000200, "Variable '$x' is never used."),
        ("fragment F on Query { one }", 4000200, "query: holds no operation"),
        ("subscription { ticks }", 4000200, "query: a subscription needs a WebSocket, or accept: text/event-stream"),
        ("{ ...F } fragment F on Query { ...F }", 4000200, "Cannot spread fragment 'F' within itself."),
        (
            "query A { one } query B { one }",
            4000200,
            "operationName: must be given when the document holds several operations",
        ),
        ("{ one" + " one" * 60 + " }", 4000300, "tokens: 61 is over the limit of 60"),
        ("#\n" * 70 + "{ one }", 4000300, "tokens: 61 is over the limit of 60"),
        (
            "{ selfAgain { selfAgain { selfAgain { selfAgain { one } } } } }",
            4000300,
            "depth: 5 is over the limit of 4",
        ),
        ("{ a: one b: one c: one }", 4000300, "aliases: 3 is over the limit of 2"),
    ],
)
async def test_an_operation_that_cannot_run_is_explained(query: str, code: int, message: str) -> None:
    answer = await run(query)
    assert errors_of(answer) == [(code, message)]
    assert (answer.has_data, "data" in answer.content) == (False, False)


async def test_an_unknown_operation_name_is_refused() -> None:
    answer = await run("query A { one }", name="B")
    assert errors_of(answer) == [(4000200, "operationName: there is no such operation in the document")]


async def test_the_named_operation_is_run() -> None:
    answer = await run("query A { one(x: 1) } query B { one(x: 2) }", name="B")
    assert answer.content == {"data": {"one": 2}}


@pytest.mark.parametrize("value", ["text", 1.5, None, {"a": 1}, 2**40])
async def test_a_variable_that_does_not_fit_is_an_invalid_argument_that_names_it(value: object) -> None:
    answer = await run("query Q($wanted: Int!) { one(x: $wanted) }", {"wanted": value})
    [(code, message)] = errors_of(answer)
    assert code == 4000100
    assert "$wanted" in message
    assert not answer.has_data


@pytest.mark.parametrize("field", ["broken", "missing"])
async def test_what_nobody_foresaw_is_masked_and_logged_once_with_its_cause(field: str) -> None:
    with capture_logs() as logs:
        answer = await run(f"{{ {field} }}")
    assert errors_of(answer) == [(5000000, "something went wrong on our side")]
    assert answer.content["data"] is None
    [line] = logs
    assert (line["event"], line["log_level"], line["code"]) == ("request failed", "error", 5000000)
    assert isinstance(line["exc_info"], RuntimeError if field == "broken" else TypeError)


async def test_what_nobody_foresaw_while_validating_is_masked_and_logged_with_its_cause() -> None:
    with capture_logs() as logs:
        answer = await run('{ odd(x: "secret") }')
    assert errors_of(answer) == [(5000000, "something went wrong on our side")]
    assert [(line["code"], type(line["exc_info"])) for line in logs] == [(5000000, ValueError)]


async def test_an_error_of_the_catalogue_is_told_as_it_is() -> None:
    trace = start_trace()
    answer = await run("{ one refused }")
    assert answer.content == {
        "data": {"one": 1, "refused": None},
        "errors": [
            {
                "message": "this needs the permission admin.read",
                "locations": [{"line": 1, "column": 7}],
                "path": ["refused"],
                "extensions": {
                    "code": 4030100,
                    "reason": "PERMISSION_DENIED",
                    "retryable": False,
                    "traceId": trace,
                },
            }
        ],
    }
    assert isinstance(answer.error, errcode.PermissionDenied)


async def test_a_refusal_is_not_logged_as_a_failure() -> None:
    with capture_logs() as logs:
        await run("{ refused }")
        await run("{ nowhere }")
    assert logs == []


async def test_a_backend_that_is_down_is_retryable_and_logged() -> None:
    with capture_logs() as logs:
        answer = await run("{ down }")
    assert errors_of(answer) == [(5030100, "the banner backend is unavailable")]
    assert answer.content["errors"][0]["extensions"]["retryable"] is True
    [line] = logs
    assert (line["code"], line["problem"]) == (5030100, "the banner backend is unavailable")
    assert "exc_info" not in line


def test_what_a_foreseen_failure_came_of_stands_in_the_log() -> None:
    problem = errcode.BackendUnavailable("banner").again()
    problem.__cause__ = errcode.BackendUnavailable("banner")
    problem.__cause__.__cause__ = OSError("nobody there")
    with capture_logs() as logs:
        log_failures([(problem, problem), (problem, problem), (problem, errcode.PermissionDenied("x.y"))])
    told = {"event": "request failed", "log_level": "error", "code": 5030100}
    [first, second] = logs
    assert first == told | {"problem": problem.message, "cause": "OSError('nobody there')"}
    assert isinstance(second["exc_info"], errcode.PermissionDenied)


async def test_an_operation_that_takes_too_long_ends_with_its_deadline() -> None:
    answer = await run("{ slow }", by=executor(seconds=0.01))
    assert errors_of(answer) == [(5040100, "the time for this request is over")]
    assert isinstance(answer.error, errcode.DeadlineExceeded)
    assert answer.has_data is False


async def test_names_are_suggested_only_outside_production() -> None:
    assert errors_of(await run("{ ones }")) == [
        (4000200, "Cannot query field 'ones' on type 'Query'. Did you mean 'one'?")
    ]
    answer = await run("{ ones }", by=executor(production=True))
    assert errors_of(answer) == [(4000200, "Cannot query field 'ones' on type 'Query'.")]


async def test_introspection_is_served_only_outside_production() -> None:
    query = "{ __schema { queryType { name } } }"
    assert (await run(query)).content == {"data": {"__schema": {"queryType": {"name": "Query"}}}}
    assert errors_of(await run(query, by=executor(production=True))) == [
        (4000200, f"introspection is not served here: it needs the permission {EXPLORE}")
    ]


async def test_a_message_never_repeats_a_long_input() -> None:
    [(_, message)] = errors_of(await run("{ one(x: " + '"' + "x" * 5000 + '") }'))
    assert len(message) <= 501


def test_degraded_fields_are_sorted_by_path_and_told_once() -> None:
    def entry(*path: str | int) -> Degradation:
        return Degradation(list(path), "activity", "NULL", 5030100)

    found = [entry("a", 10, "x"), entry("b"), entry("a", 9, "x"), entry("a", 9, "x"), entry("a")]
    assert [one["path"] for one in degradations(found)] == [["a"], ["a", 9, "x"], ["a", 10, "x"], ["b"]]
    assert degradations(found)[0] == {
        "path": ["a"],
        "backend": "activity",
        "mode": "NULL",
        "code": 5030100,
        "ageMs": 0,
    }


async def test_the_usual_introspection_of_tools_passes_the_limits(house: House) -> None:
    from graphql import get_introspection_query

    query = get_introspection_query(specified_by_url=True, input_value_deprecation=True)
    assert (await house.data(query))["__schema"]["queryType"]["name"] == "Query"


@pytest.mark.parametrize(
    ("ids", "refusal"),
    [(58, None), (59, (4000300, "cost: 3026 is over the limit of 3000"))],
)
async def test_an_operation_that_costs_too_much_is_refused_for_its_variables(
    house: House, ids: int, refusal: tuple[int, str] | None
) -> None:
    several = "".join(f"a{n}: accounts(ids: $ids) {{ id bio followerCount }} " for n in range(17))
    query = f"query Q($ids: [ID!]!) {{ {several} }}"
    asked = [f"acc_{n}" for n in range(1, ids + 1)]
    if refusal is None:
        assert len(await house.data(query, ids=asked)) == 17
        return
    assert await house.error(query, ids=asked) == refusal
    assert sum(house.rpcs().values()) == 0


async def test_what_an_operation_costs_is_told_on_request(house: House) -> None:
    query = "query Q($ids: [ID!]!) { accounts(ids: $ids) { id bio } }"
    body = {"query": query, "variables": {"ids": ["acc_1", "acc_999999"]}}
    response = await house.http.post("/graphql", json=body, headers={"graphql-cost": "report"})
    assert response.json()["extensions"] == {"cost": {"estimated": 5, "actual": 3}}
    assert response.headers["cache-control"] == "no-store"
    response = await house.http.post("/graphql", json=body, headers={"graphql-cost": "no"})
    assert "extensions" not in response.json()
    assert response.headers["cache-control"] == "public, max-age=10"


async def test_a_query_may_be_asked_by_get_outside_production(house: House) -> None:
    response = await house.http.get("/graphql", params={"query": "{ viewer { type } }"})
    assert response.json() == {"data": {"viewer": {"type": "GUEST"}}}
    for document in ("mutation M { signOut }", "mutation M { signOut } query Q { viewer { type } }"):
        response = await house.http.get("/graphql", params={"query": document, "operationName": "M"})
        assert (response.status_code, response.headers.get("allow")) == (405, "POST")
    assert house.rpcs() == {}


async def test_the_root_leads_to_the_endpoint(house: House) -> None:
    response = await house.http.get("/")
    assert (response.status_code, response.headers["location"]) == (307, "/graphql")


async def test_production_hides_what_helps_strangers(house_with: Callable[..., Any]) -> None:
    async with house_with(production=True) as house:
        page = await house.http.get("/graphql", headers={"accept": "text/html"})
        assert (page.status_code, page.headers["allow"]) == (405, "POST")
        asked = await house.http.get("/graphql", params={"query": "{ viewer { type } }"})
        assert (asked.status_code, asked.headers["allow"]) == (405, "POST")
        for who in (None, "ada"):
            code, _ = await house.error("{ __schema { __typename } }", who)
            assert code == 4000200
            assert await house.error("{ viewr { type } }", who) == (4000200, HIDDEN)
        assert house.rpcs()["permission.BatchCheckPermissions"] == 2


async def test_production_tells_staff_what_it_hides_from_strangers(house_with: Callable[..., Any]) -> None:
    async with house_with(production=True) as house:
        assert await house.data("{ __schema { __typename } }", "sam") == {"__schema": {"__typename": "__Schema"}}
        assert await house.error("{ viewr { type } }", "sam") == (4000200, HIDDEN + " Did you mean 'viewer'?")
        token = {"authorization": f"Bearer {house.tokens['sam']}"}
        page = await house.http.get("/graphql", headers={"accept": "text/html", **token})
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        await house.backends.stop("permission")
        assert (await house.error("{ __schema { __typename } }", "sam"))[0] == 4000200


async def test_what_became_of_each_plan_is_counted() -> None:
    metrics = Metrics()
    schema = Schema(Query, execution_context_class=compiled(metrics), config=CONFIG)
    for query in ("{ one }", "{ one }", "{ selfAgain { one } }"):
        assert (await schema.execute(query, root_value=Query())).errors is None
    counted = {
        outcome: metrics.registry.get_sample_value("atrium_plans_total", {"outcome": outcome}) for outcome in OUTCOMES
    }
    assert counted == {"compiled": 2, "hit": 1, "interpreted:middleware": None}
