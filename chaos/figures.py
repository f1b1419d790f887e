"""What a fault cost, and what it may."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.load import percentile
from chaos.load import FAILED, LOST, MOST_CONNECTIONS, REFUSED, UNSENT, WHOLE, WITH_GAPS, Outcome

CLEAR = {5030100, 5030200, 5040100}
"""Codes that say what is wrong: a backend is away, there is too much to do, the time is over."""
LATE_SECONDS = 0.1
"""A load that sends a hundredth of its requests later than this does not keep its rate."""
NEVER = 999.0
"""The seconds of what did not come back while anybody looked."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a fault cost."""

    sent: int
    """Good requests."""
    failed: int
    """Those that got no answer, or an error where none may be."""
    degraded: int
    """Those that were answered with gaps."""
    p99_ms: float
    """Of the requests that were sent while the fault lasted, up to when what died is started again."""
    recover_s: float
    """From the end of the fault to the first whole answer to a request sent after it."""
    refused: int = 0
    """Failures that said there was too much to do."""
    unclear: int = 0
    """Failures whose codes do not say what is wrong."""
    codes: str = ""
    """What the failures said: how often each code, or status where there was none."""
    goodput: float | None = None
    """The good answers within a second, as a part of the most that there can be; only under overload."""
    complaints: tuple[str, ...] = ()
    """What else is wrong."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a fault may cost; None: that is not limited."""

    failed: int | None = 0
    degraded: int | None = None
    p99_ms: float | None = None
    recover_s: float | None = 2.0
    goodput: float | None = None
    sent: int = 1
    """So many there must be."""

    def missed(self, found: Figures) -> list[str]:
        """The bounds that were not kept, in words; empty when all were."""
        return [*self._exceeded(found), *self._not_reached(found), *found.complaints]

    def _exceeded(self, found: Figures) -> Iterator[str]:
        for name in ("failed", "degraded", "p99_ms", "recover_s"):
            most, value = getattr(self, name), getattr(found, name)
            if most is not None and value > most:
                told = f" ({found.codes})" if name == "failed" and found.codes else ""
                yield f"{name} {value:.4g} > {most:g}{told}"
        if found.unclear:
            yield f"{found.unclear} failed without a clear code ({found.codes})"

    def _not_reached(self, found: Figures) -> Iterator[str]:
        if found.sent < self.sent:
            yield f"sent {found.sent} < {self.sent}"
        if self.goodput is not None and (found.goodput or 0.0) < self.goodput:
            yield f"goodput {found.goodput or 0.0:.0%} < {self.goodput:.0%}"

    def __str__(self) -> str:
        """In few words."""
        words = [f"failed ≤ {self.failed}" if self.failed is not None else "failing clearly"]
        words += [f"degraded ≤ {self.degraded}"] if self.degraded is not None else []
        words += [f"p99 ≤ {self.p99_ms:g} ms"] if self.p99_ms is not None else []
        words += [f"back ≤ {self.recover_s:g} s"] if self.recover_s is not None else []
        words += [f"goodput ≥ {self.goodput:.0%}"] if self.goodput is not None else []
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class Span:
    """When a fault lasted, by the monotonic clock."""

    began: float
    ended: float
    calm_until: float | None = None
    """Until when nothing but the fault took place; later, processes start again and take their part of the machine."""
    complaints: tuple[str, ...] = field(default=())


def summed_up(outcomes: Sequence[Outcome], span: Span, recover_s: float | None = None) -> Figures:
    """What the outcomes of good requests say of a fault, and of the load."""
    unable, outcomes = of_load(outcomes), [outcome for outcome in outcomes if outcome.kind != UNSENT]
    failures = [outcome for outcome in outcomes if outcome.kind in (FAILED, LOST, REFUSED)]
    calm_until = span.ended if span.calm_until is None else span.calm_until
    during = sorted(outcome.seconds for outcome in outcomes if span.began <= outcome.at < calm_until)
    return Figures(
        sent=len(outcomes),
        failed=len(failures),
        degraded=count(outcomes, WITH_GAPS),
        p99_ms=percentile(during, 99),
        recover_s=first_whole(outcomes, span.ended) if recover_s is None else recover_s,
        refused=count(failures, REFUSED),
        unclear=sum(not is_clear(outcome) for outcome in failures),
        codes=told_by(failures),
        complaints=(*span.complaints, *unable),
    )


def of_load(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What the load could not do: it is no fault of whoever was to be asked, but then nothing was proved."""
    if unsent := count(outcomes, UNSENT):
        yield f"{unsent} were not sent: {MOST_CONNECTIONS} connections were waiting for answers already"
    late_ms = percentile(sorted(outcome.late for outcome in outcomes), 99)
    if late_ms > LATE_SECONDS * 1000:
        yield f"the load did not keep its rate: 1% was sent {late_ms:.0f} ms late or later"


def told_by(failures: Sequence[Outcome]) -> str:
    """What the failures said, most frequent first."""
    words = Counter(" and ".join(map(str, outcome.codes)) or f"status {outcome.status}" for outcome in failures)
    return ", ".join(f"{number} × {said}" for said, number in words.most_common())


def count(outcomes: Sequence[Outcome], *kinds: str) -> int:
    """How many were of these kinds."""
    return sum(outcome.kind in kinds for outcome in outcomes)


def is_clear(failure: Outcome) -> bool:
    """Whether somebody who gets this knows what is wrong."""
    return failure.kind == REFUSED or (failure.kind == FAILED and set(failure.codes) <= CLEAR and failure.codes != ())


def first_whole(outcomes: Sequence[Outcome], since: float) -> float:
    """How long after that moment the first whole answer came to what was sent from then on."""
    came = [outcome.at + outcome.seconds for outcome in outcomes if outcome.at >= since and outcome.kind == WHOLE]
    return min(came) - since if came else NEVER


def as_json(found: Figures, missed: Sequence[str]) -> dict[str, Any]:
    """The figures as they are written down."""
    written: dict[str, Any] = {
        "sent": found.sent,
        "failed": found.failed,
        "degraded": found.degraded,
        "p99_ms": round(found.p99_ms, 1),
        "recover_s": round(found.recover_s, 2),
        "refused": found.refused,
        "missed": list(missed),
    }
    return written if found.goodput is None else written | {"goodput": round(found.goodput, 2)}
