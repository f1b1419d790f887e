"""What is measured side by side: each row of the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.peers import FOLDER
from bench.processes import python

GATEWAY, CACHED, TWO_WORKERS = "gateway", "gateway-with-caches", "two-workers"
HANDWRITTEN, CONSTANT = "handwritten", "constant"
STRAWBERRY, MERCURIUS, APOLLO = "strawberry", "mercurius", "apollo"


@dataclass(frozen=True, slots=True)
class Place:
    """What a subject is told when it starts."""

    port: int
    backends: tuple[str, ...]
    """Addresses of account, permission, banner and activity."""
    answer: Path
    """What the gateway answers, for whoever repeats it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One subject."""

    what: str
    """As a part of a sentence."""
    command: Callable[[Place], list[str]]
    settings: Mapping[str, str] = field(default_factory=dict)
    queries: tuple[str, ...] = ("home",)
    """What is asked over each number of connections."""
    at_most_load: tuple[str, ...] = ()
    """What is asked over the largest number only."""
    needs_npm: bool = False
    is_wide: bool = False
    """Whether it gets all cores, which backends and load share with it."""


def gateway(*options: str) -> Callable[[Place], list[str]]:
    """The gateway itself, which settings tell where to serve."""
    return lambda _: python("gateway", "run", *options)


def aggregator(module: str) -> Callable[[Place], list[str]]:
    """What serves the home page from the backends."""
    return lambda place: python(module, str(place.port), *place.backends)


def constant(place: Place) -> list[str]:
    return python("bench.subjects.constant", str(place.port), str(place.answer))


def node(script: str) -> Callable[[Place], list[str]]:
    """What serves the home page from the backends in Node.js."""
    return lambda place: ["node", str(FOLDER / script), str(place.port), *place.backends]


NOTHING_KEPT = {"ATRIUM_CACHES__LOCAL": "false", "ATRIUM_CACHES__REMOTE": "false"}
ROWS = {
    GATEWAY: Row(
        "the gateway as it runs, but that it keeps no answers: like all below it asks each time",
        gateway(),
        NOTHING_KEPT,
    ),
    CACHED: Row("the gateway as it runs, with both cache levels", gateway(), at_most_load=("kept",)),
    TWO_WORKERS: Row(
        "the same by two processes on one port, with all cores, which they share with backends and load",
        gateway("--workers", "2"),
        queries=(),
        at_most_load=("kept",),
        is_wide=True,
    ),
    HANDWRITTEN: Row(
        "what somebody would write for this one page: Starlette and gRPC stubs, each request making its own calls",
        aggregator("bench.subjects.handwritten"),
    ),
    STRAWBERRY: Row(
        "stock Strawberry: its types, DataLoader and ASGI view", aggregator("bench.peers.stock_strawberry")
    ),
    MERCURIUS: Row("Mercurius on Fastify, with JIT", node("mercurius.js"), needs_npm=True),
    APOLLO: Row("Apollo Server, standalone", node("apollo.js"), needs_npm=True),
    CONSTANT: Row("the same bytes to everybody under the gateway's server, the floor", constant),
}
"""By name."""
