"""Rounds: each subject in turn answers the same load, and the medians over the rounds are what it is worth."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from bench.client import Subject, ask, rpcs_answered
from bench.house import House
from bench.load import GRACE_SECONDS, Load
from bench.processes import cpu_seconds, python, told_by
from bench.queries import ITEMS
from bench.rows import CONSTANT, GATEWAY, ROWS

WARM_UP_SHARE = 0.15
"""How long a subject warms up before each measurement, as a share of it."""


class Step(NamedTuple):
    """What one measurement is of."""

    subject: str
    query: str
    connections: int

    @property
    def workload(self) -> str:
        """Such as `home@32`."""
        return f"{self.query}@{self.connections}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure."""

    subjects: tuple[str, ...]
    connections: tuple[int, ...]
    rounds: int
    seconds: float

    @property
    def steps(self) -> int:
        """How much there is to do."""
        return len(self.subjects) + self.rounds * len(list(self.round()))

    def warm_up(self) -> Iterator[Step]:
        """What comes first and does not count: whoever compiles while it runs, compiles now."""
        return (Step(name, "home", max(self.connections)) for name in self.subjects)

    def round(self) -> Iterator[Step]:
        """The measurements of each round: subjects side by side."""
        most = max(self.connections)
        for connections in self.connections:
            for name in self.subjects:
                for query in ROWS[name].queries:
                    yield Step(name, query, connections)
        for name in self.subjects:
            for query in ROWS[name].at_most_load:
                yield Step(name, query, most)


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement, or the median of several; `errors` are added up."""

    rps: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    """User and system time of the subject's processes for each request."""
    rpcs: float
    """RPCs that the backends answered for each request."""
    errors: int
    busy: float
    """Share of the time that the subject was working."""
    load_busy: float
    """The same of whoever made the load."""


Samples = dict[str, dict[str, Sample]]
"""By subject, then by workload such as `home@32`."""


def compare_bodies(house: House) -> None:
    """Exits when anybody's answer to any viewer is not, as JSON, the gateway's."""
    others = [subject for name, subject in house.subjects.items() if name not in (GATEWAY, CONSTANT)]
    for token in house.tokens:
        ours = json.loads(ask(house.subjects[GATEWAY], "home", token))
        if len(ours["data"]["viewer"]["home"]["feed"]["edges"]) != ITEMS:
            raise SystemExit(f"a feed has less than {ITEMS} items")
        for other in others:
            theirs = json.loads(ask(other, "home", token))
            if found := difference(ours, theirs):
                raise SystemExit(f"{other.name} answers something else, so nothing can be compared: {found}")


def difference(ours: Any, theirs: Any, path: str = "") -> str:
    """Where two answers differ first, and how; empty when they do not."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        pairs: Iterable[Any] = (
            (key, ours.get(key, "nothing"), theirs.get(key, "nothing")) for key in ours.keys() | theirs.keys()
        )
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = zip(range(len(ours)), ours, theirs, strict=True)
    else:
        return "" if ours == theirs else f"{path.lstrip('.')}: {str(ours)[:200]} against {str(theirs)[:200]}"
    return next(filter(None, (difference(one, other, f"{path}.{key}") for key, one, other in pairs)), "")


def measure(house: House, plan: Plan, tell: Callable[[str], None]) -> Samples:
    """The medians over all rounds, in which the subjects take turns."""
    taken: dict[tuple[str, str], list[Sample]] = {}
    for step in plan.warm_up():
        tell(f"warming up: {step.subject}")
        make_load(house.subjects[step.subject], house.tokens, step, plan.seconds)
    for number in range(plan.rounds):
        for step in plan.round():
            tell(f"round {number + 1} of {plan.rounds}: {step.subject}, {step.workload}")
            taken.setdefault((step.subject, step.workload), []).append(take(house, step, plan.seconds))
    return arranged({key: middle(samples) for key, samples in taken.items()})


def take(house: House, step: Step, seconds: float) -> Sample:
    """One measurement, after a warm-up that does not count."""
    subject = house.subjects[step.subject]
    make_load(subject, house.tokens, step, seconds * WARM_UP_SHARE)
    cpu_before, rpcs_before = cpu_seconds(subject.pid), rpcs_answered(house.metrics)
    load = make_load(subject, house.tokens, step, seconds)
    cpu = cpu_seconds(subject.pid) - cpu_before
    rpcs = rpcs_answered(house.metrics) - rpcs_before
    answered = load.requests or 1
    return Sample(
        rps=load.requests / load.seconds,
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        cpu_ms=cpu * 1000 / answered,
        rpcs=rpcs / answered,
        errors=load.errors,
        busy=cpu / load.seconds,
        load_busy=load.cpu_seconds / load.seconds,
    )


def make_load(subject: Subject, tokens: list[str], step: Step, seconds: float) -> Load:
    """What came of the load of a process of its own."""
    options = ("--connections", str(step.connections), "--seconds", str(seconds), "--query", step.query)
    command = python("bench.load", str(subject.port), *options)
    patience = seconds + 2 * GRACE_SECONDS + 10
    return Load(**told_by(command, subject.load_cores, patience, "\n".join(tokens)))


def middle(samples: Iterable[Sample]) -> Sample:
    """Medians of everything; the errors of all together."""
    taken = list(samples)
    medians = {name: median(getattr(sample, name) for sample in taken) for name in Sample.__slots__}
    return Sample(**{**medians, "errors": sum(sample.errors for sample in taken)})


def arranged(samples: Mapping[tuple[str, str], Sample]) -> Samples:
    """The samples by subject, then by workload."""
    tree: Samples = {}
    for (subject, workload), sample in samples.items():
        tree.setdefault(subject, {})[workload] = sample
    return tree
