"""Measures the executors alone, CPU time side by side: `python -m bench.executor`.

graphql-core under Strawberry, once both its caches hold the document, beside compiled plans: the home query over
loaders that answer at once, a list of 1,000 objects of 5 fields, a list of 200 ids as a variable. What the resolvers
of the home query cost by themselves is measured, too, and taken off in the last column: no executor can spare it.
"""

import argparse
import asyncio
import gc
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import strawberry
from graphql import ExecutionResult, execute, parse
from graphql.execution import MiddlewareManager
from rich.console import Console
from rich.table import Table
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.base import get_object_definition

from bench.queries import HOME, ITEMS
from gateway.execution import Plans
from gateway.execution.for_strawberry import compiled_strawberry_executor
from schema.generated.activity.v1 import activity_pb2
from schema.graphql.query import Query
from schema.graphql.schema import create_schema
from schema.graphql.viewer import Viewer
from tests.schema.fakes import ADA, FakeContext, FakeLoader, page

AUTHORS = (2, 1, 3, 4, 6)
Once = Callable[[], Awaitable[Any]]
_found: dict[tuple[Any, str], Callable[..., Any]] = {}


@strawberry.type
class Item:
    id: strawberry.ID
    text: str
    number: int
    ratio: float
    flag: bool


@strawberry.type
class Shop:
    items: list[Item]

    @strawberry.field
    def known(self, ids: list[strawberry.ID]) -> int:
        return len(ids)


SHOP = Shop(items=[Item(id=strawberry.ID(str(n)), text="text", number=n, ratio=n / 7, flag=True) for n in range(1000)])


@dataclass(frozen=True)
class Work:
    """One operation, by either executor."""

    name: str
    usual: Once
    compiled: Once
    beside: Once | None = None
    """What neither can spare."""


def feed(items: int) -> activity_pb2.ActivityPage:
    """A page of so many items."""
    return page(*[AUTHORS[number % len(AUTHORS)] for number in range(items)])


def home_context() -> FakeContext:
    """An operation of a viewer with 20 items in the feed, over fresh loaders that answer at once."""
    context, known = FakeContext(ADA), feed(ITEMS)
    context.loaders.feed = FakeLoader(lambda _: known)
    return context


INFO: Any = type("Info", (), {"context": home_context()})


async def resolvers_alone() -> None:
    """What the home query's resolvers do, called by hand one after another."""
    info = INFO
    viewer = await _resolver(Query, "viewer")(None, info)
    await _resolver(Viewer, "account")(viewer, info)
    home = type(viewer.home)
    await _resolver(home, "features")(viewer.home, info)
    await _resolver(home, "banners")(viewer.home, info)
    feed = await _resolver(home, "feed")(viewer.home, info, first=ITEMS)
    for edge in feed.edges:
        await _resolver(type(edge.node), "author")(edge.node, info)


def _resolver(kind: Any, name: str) -> Callable[..., Any]:
    function = _found.get((kind, name))
    if function is None:
        fields = get_object_definition(kind, strict=True).fields
        resolver: Any = next(one for one in fields if one.python_name == name).base_resolver
        function = _found[kind, name] = resolver.wrapped_func
    return function


def works(plans: Plans) -> list[Work]:
    """What is measured."""
    items = "{ items { id text number ratio flag } }"
    known = "query ($ids: [ID!]!) { known(ids: $ids) }"
    ids = {"ids": [str(number) for number in range(200)]}
    shop = strawberry.Schema(Shop)
    usual, compiled = StrawberryGraphQLCoreExecutionContext, compiled_strawberry_executor(plans)

    def work(name: str, schema: strawberry.Schema, query: str, source: Any, variables: Any = None) -> Work:
        once = [by(executor, schema, query, source, variables) for executor in (usual, compiled)]
        return Work(name, once[0], once[1], resolvers_alone if source is not SHOP else None)

    return [
        work("home", create_schema(), HOME, home_context()),
        work("list_1000x5", shop, items, SHOP),
        work("ids_200", shop, known, SHOP, ids),
    ]


def by(executor: Any, schema: strawberry.Schema, query: str, source: Any, variables: Any = None) -> Once:
    """Executes a query as Strawberry does once its caches hold the parsed and validated document."""
    document = parse(query)
    options: dict[str, Any] = {"is_awaitable": optimized_is_awaitable, "operation_extensions": None}

    async def once() -> ExecutionResult:
        made = execute(
            schema._schema,
            document,
            source,
            source,
            variables,
            middleware=MiddlewareManager(),
            executor_class=executor,
            **options,
        )
        return made if isinstance(made, ExecutionResult) else await made

    return once


async def microseconds(once: Once, seconds: float) -> float:
    """CPU time of one execution."""
    gc.collect()
    count, begin, until = 0, time.process_time(), time.process_time() + seconds
    while time.process_time() < until:
        for _ in range(5):
            await once()
        count += 5
    return (time.process_time() - begin) / count * 1e6


async def checked(work: Work) -> None:
    """Fails unless both answer the same, and without an error."""
    usual, compiled = await work.usual(), await work.compiled()
    if usual.errors or compiled.errors or repr(usual.data) != repr(compiled.data):
        raise SystemExit(f"{work.name}: the answers differ: {usual.errors} {compiled.errors}")


async def measure(work: Work, rounds: int, seconds: float) -> tuple[float, float, float]:
    """Medians of interleaved rounds: the usual executor, plans, what neither can spare."""
    await checked(work)
    taken = [
        (
            await microseconds(work.usual, seconds),
            await microseconds(work.compiled, seconds),
            await microseconds(work.beside, seconds) if work.beside else 0.0,
        )
        for _ in range(rounds)
    ]
    usual, compiled, beside = (statistics.median(column) for column in zip(*taken, strict=True))
    return usual, compiled, beside


async def measured(rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """By work: microseconds of CPU for each execution, and how many times less plans take."""
    found = {}
    for work in works(Plans()):
        usual, compiled, beside = await measure(work, rounds, seconds)
        found[work.name] = {"usual_us": usual, "plans_us": compiled, "resolvers_us": beside, "ratio": usual / compiled}
    return found


def table(found: dict[str, dict[str, float]]) -> Table:
    """The figures for eyes."""
    shown = Table("us of CPU", "graphql-core", "plans", "ratio", "resolvers", "ratio without")
    for name, each in found.items():
        usual, compiled, beside = each["usual_us"], each["plans_us"], each["resolvers_us"]
        alone = f"{(usual - beside) / max(compiled - beside, 0.1):.1f}" if beside else ""
        cells = (f"{usual:.0f}", f"{compiled:.0f}", f"{each['ratio']:.1f}", f"{beside:.0f}", alone)
        shown.add_row(name, *cells)
    return shown


def main() -> None:
    """Prints a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.executor", description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a measurement (0.5)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (5)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    found = asyncio.run(measured(given.rounds, given.seconds))
    if given.json:
        print(json.dumps(found))
    else:
        Console().print(table(found))


if __name__ == "__main__":
    main()
