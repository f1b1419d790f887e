"""What plans cost, in CPU and memory: `python -m bench.plans`.

compile_ms      to make the plan of the home query
mib_per_1000    what a process grows by for a thousand plans, with the documents that they are of
us_per_item     what one more item of the feed takes, from the backend's bytes to those of the answer
"""

import argparse
import asyncio
import gc
import json
import os
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from bench.executor import Once, by, feed, home_context, microseconds
from bench.processes import resident_kib
from bench.queries import ITEMS, home
from gateway.execution import Plans
from gateway.execution.for_strawberry import compiled_strawberry_executor
from loaders.loader import Loader
from schema.generated.activity.v1 import activity_pb2
from schema.graphql.schema import create_schema
from tests.schema.fakes import ACCOUNTS, ADA, FakeContext

COUNT = 1000
WARM_UP = 50
"""Plans made before: what the first ones load is not theirs."""


async def compile_ms() -> float:
    """Milliseconds to make the plan of the home query, with every view that it needs."""
    taken = []
    for _ in range(7):
        plans, query = Plans(), home(ITEMS)
        result = await by(compiled_strawberry_executor(plans), create_schema(), query, home_context())()
        if result.errors:
            raise SystemExit(f"the home query fails: {result.errors}")
        taken.append(plans.seconds * 1e3)
    return statistics.median(taken)


async def mib_per_1000() -> float:
    """MiB of resident memory that a thousand plans of different documents like the home query take."""
    plans, schema = Plans(most_operations=COUNT + WARM_UP), create_schema()
    executor, context = compiled_strawberry_executor(plans), home_context()
    kept: list[Any] = []
    before = 0
    for number in range(COUNT + WARM_UP):
        if number == WARM_UP:
            gc.collect()
            before = resident_kib(os.getpid())
        once = by(executor, schema, home(ITEMS).replace("kind text", f"kind text text{number}: text"), context)
        await once()
        kept.append(once)
    gc.collect()
    if plans.compiled < COUNT:
        raise SystemExit(f"only {plans.compiled} plans were made")
    return (resident_kib(os.getpid()) - before) / 1024


async def us_per_item(rounds: int, seconds: float) -> float:
    """Microseconds of CPU for each item beyond the first twenty: the reply read, the plan run, the answer written."""
    few, many = answering(ITEMS), answering(2 * ITEMS)
    taken = [(await microseconds(few, seconds), await microseconds(many, seconds)) for _ in range(rounds)]
    less, more = (statistics.median(column) for column in zip(*taken, strict=True))
    return float(more - less) / ITEMS


def answering(items: int) -> Once:
    """Answers the home query with so many items of the feed, by loaders as the gateway has them."""
    context: Any = FakeContext(ADA)
    reply = feed(items).SerializeToString()
    once = by(compiled_strawberry_executor(Plans()), create_schema(), home(items), context)

    async def answer() -> bytes:
        group = asyncio.TaskGroup()  # Which nothing needs that is answered at once.
        context.loaders.feed = Loader(AtOnce(lambda _: activity_pb2.ActivityPage.FromString(reply)), group)
        context.loaders.account_by_id = Loader(AtOnce(ACCOUNTS.get), group)
        return orjson.dumps((await once()).data)

    return answer


class AtOnce:
    """A source of answers that are there already."""

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self._answer = answer

    def answers(self, keys: Sequence[Any]) -> asyncio.Future[Sequence[Any]]:
        """The answers in the order of the keys."""
        future = asyncio.get_running_loop().create_future()
        future.set_result([self._answer(key) for key in keys])
        return future


async def costs(rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """Everything about plans of the home query, under its name."""
    return {
        "home": {
            "compile_ms": await compile_ms(),
            "mib_per_1000": await mib_per_1000(),
            "us_per_item": await us_per_item(rounds, seconds),
        }
    }


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.plans", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a measurement (0.5)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (5)")
    parser.add_argument("--json", action="store_true", help="print JSON on one line")
    given = parser.parse_args()
    print(json.dumps(asyncio.run(costs(given.rounds, given.seconds)), indent=None if given.json else 2))


if __name__ == "__main__":
    main()
