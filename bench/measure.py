"""Rounds: each subject in turn answers the same load, and the medians over the rounds are what it is worth."""

import json
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from bench.client import Subject, home, rpcs_sent
from bench.house import House
from bench.load import GRACE_SECONDS, Load
from bench.processes import Cores, cpu_seconds, python, running_on

WARM_UP_SHARE = 0.15
"""How long a subject warms up before each measurement, as a share of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure."""

    subjects: tuple[str, ...]
    connections: tuple[int, ...]
    rounds: int
    seconds: float

    @property
    def steps(self) -> int:
        """How many measurements there are."""
        return len(self.subjects) * len(self.connections) * self.rounds


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement, or the median of several; `errors` are added up."""

    rps: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    """User and system time of the subject's processes for each request."""
    rpcs: float
    """RPCs that the subject sent for each request."""
    errors: int
    busy: float
    """Share of the time that the subject was working."""
    load_busy: float
    """The same of whoever made the load."""


Samples = dict[str, dict[str, Sample]]
"""By subject, then by workload such as `home@32`."""


def compare_bodies(house: House) -> None:
    """Exits when an aggregator's answer to any viewer is not, as JSON, the gateway's."""
    gateway, handwritten = house.subjects["gateway"], house.subjects["handwritten"]
    for token in house.tokens:
        ours, theirs = (json.loads(home(subject, token)) for subject in (gateway, handwritten))
        if ours != theirs:
            raise SystemExit(f"the answers differ, so there is nothing to compare:\n{ours}\n{theirs}")
        if len(ours["data"]["viewer"]["home"]["feed"]["edges"]) != 20:
            raise SystemExit("a feed has less than 20 items")


def measure(house: House, cores: Cores, plan: Plan, tell: Callable[[str], None]) -> Samples:
    """The medians over all rounds, in which the subjects take turns."""
    taken: dict[tuple[str, str], list[Sample]] = {}
    for number in range(plan.rounds):
        for connections in plan.connections:
            for name in plan.subjects:
                workload = f"home@{connections}"
                tell(f"round {number + 1} of {plan.rounds}: {name}, {workload}")
                sample = take(house.subjects[name], house.tokens, cores, connections, plan.seconds)
                taken.setdefault((name, workload), []).append(sample)
    return arranged({key: middle(samples) for key, samples in taken.items()})


def take(subject: Subject, tokens: list[str], cores: Cores, connections: int, seconds: float) -> Sample:
    """One measurement, after a warm-up that does not count."""
    make_load(subject, tokens, cores, connections, seconds * WARM_UP_SHARE)
    cpu_before, rpcs_before = cpu_seconds(subject.pid), rpcs_sent(subject)
    load = make_load(subject, tokens, cores, connections, seconds)
    cpu = cpu_seconds(subject.pid) - cpu_before
    rpcs = rpcs_sent(subject) - rpcs_before
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


def make_load(subject: Subject, tokens: list[str], cores: Cores, connections: int, seconds: float) -> Load:
    """What came of the load of a process of its own."""
    command = python("bench.load", str(subject.port), "--connections", str(connections), "--seconds", str(seconds))
    patience = seconds + 2 * GRACE_SECONDS + 10
    with running_on(cores.rest):
        done = subprocess.run(
            command, input="\n".join(tokens), stdout=subprocess.PIPE, text=True, check=True, timeout=patience
        )
    return Load(**json.loads(done.stdout))


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
