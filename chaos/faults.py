"""What is done to backends and stores: each fault happens for a while, and is then undone."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chaos import asked, stores
from chaos.driving import load
from chaos.figures import Bounds, Figures, Span, summed_up
from chaos.house import BACKENDS, House
from chaos.parts import LOOK_SECONDS, Part, pause_until

SLOW_BACKEND = "slow 0.5"
"""Half a second for every call."""
SLOW_STORE = "slow 0.05"
"""A twentieth of a second for whatever passes, in each direction."""
FLAP_SECONDS = 0.5
"""How long what flaps stays away, and then there."""
LEAD_SECONDS = 1.0
"""How long all is well before."""
LEARN_SECONDS = 0.5
"""How long callers may take to learn that nobody is there."""
AFTER_SECONDS = 2.5
"""How long the load goes on afterwards: what is back is back by then."""
DRAIN_SECONDS = 30.0
"""How long to wait until the broker has what was held back."""
Happen = Callable[[House, float], Span]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that happens under load."""

    name: str
    happen: Happen
    """Happens for about so many seconds; when it began and ended."""
    bounds: Bounds
    port: Callable[[House], int]
    """Where the load goes."""
    requests: Callable[[House], list[str]] = asked.homes
    recovered: Callable[[House, Span], float] | None = None
    """How long it took until all was well again, where that is not told by answers."""


def killed(parts: Sequence[Part], seconds: float) -> Span:
    """They die, and are started again; the fault ends when they are ready."""
    began = time.monotonic()
    for part in parts:
        part.kill()
    time.sleep(seconds)
    calm_until = time.monotonic()
    for part in parts:
        part.start()
    for part in parts:
        part.wait()
    return Span(began, time.monotonic(), calm_until)


def frozen(parts: Sequence[Part], seconds: float) -> Span:
    """They stand still, and go on."""
    began = time.monotonic()
    for part in parts:
        part.freeze()
    time.sleep(seconds)
    for part in parts:
        part.thaw()
    return Span(began, time.monotonic())


def moody(part: Part, listeners: Sequence[str], mood: str, seconds: float) -> Span:
    """What passes there is treated in another way."""
    began = time.monotonic()
    set_mood(part, listeners, mood)
    time.sleep(seconds)
    set_mood(part, listeners, "pass")
    return Span(began, time.monotonic())


def flapping(part: Part, listeners: Sequence[str], mood: str, seconds: float) -> Span:
    """What passes there is treated in another way, and then not, and then again."""
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        set_mood(part, listeners, mood)
        time.sleep(FLAP_SECONDS)
        set_mood(part, listeners, "pass")
        time.sleep(FLAP_SECONDS)
    return Span(began, time.monotonic() - FLAP_SECONDS)


def set_mood(part: Part, listeners: Sequence[str], mood: str) -> None:
    """Tells what stands between how to treat what passes these listeners."""
    for listener in listeners:
        part.tell(f"{listener} {mood}")


def backend_faults(name: str) -> list[Fault]:
    """What happens to a whole backend."""
    # Without the account backend nobody can be recognised, so those who are signed in get errors: clear ones.
    bounds = Bounds(failed=None if name == "account" else 0)

    def servers(house: House) -> list[Part]:
        return house.servers(name)

    def mood(how: Callable[..., Span], words: str) -> Happen:
        def happen(house: House, seconds: float) -> Span:
            return how(house.parts["interposer"], house.addresses(name, "front-").split(","), words, seconds)

        return happen

    fast = Bounds(failed=None if name == "account" else 0, p99_ms=5.0)
    return [
        Fault(f"{name} killed", lambda house, s: killed(servers(house), s), bounds, House.asking),
        Fault(f"{name} frozen", lambda house, s: frozen(servers(house), s), bounds, House.asking),
        Fault(f"{name} failing", mood(moody, "fail"), bounds, House.interposed),
        Fault(f"{name} slow", mood(moody, SLOW_BACKEND), bounds, House.interposed),
        Fault(f"{name} flapping", mood(flapping, "fail"), bounds, House.interposed),
        Fault(
            f"{name} down, asked alone",
            lambda house, s: settled(killed(servers(house), s)),
            fast,
            House.asking,
            lambda house: [asked.post({"query": asked.ALONE[name]}, patience=house.patience)],
        ),
    ]


def settled(span: Span) -> Span:
    """The span without its beginning, in which callers learn that nobody is there."""
    return replace(span, began=span.began + LEARN_SECONDS)


def replica_faults(name: str) -> list[Fault]:
    """What happens to one of the servers of a backend."""
    one = f"one of {BACKENDS[name]} {name} servers"

    def first(house: House) -> list[Part]:
        return house.servers(name)[:1]

    def one_failing(house: House, seconds: float) -> Span:
        return moody(house.parts["interposer"], [f"unix:{house.socket(name, 1, 'front-')}"], "fail", seconds)

    return [
        Fault(f"{one} killed", lambda house, s: killed(first(house), s), Bounds(), House.asking),
        Fault(f"{one} frozen", lambda house, s: frozen(first(house), s), Bounds(failed=None), House.asking),
        Fault(f"{one} failing", one_failing, Bounds(failed=None), House.interposed),
    ]


def store_faults(name: str, bounds: Bounds, **more: Any) -> list[Fault]:
    """What happens to a store."""

    def mood(how: Callable[..., Span], words: str) -> Happen:
        def happen(house: House, seconds: float) -> Span:
            return how(house.parts["passages"], [str(house.ports[f"{name}-passage"])], words, seconds)

        return happen

    def make(how: str, happen: Happen) -> Fault:
        return Fault(f"{name} {how}", happen, bounds, House.gateway, **more)

    return [
        make("killed", lambda house, seconds: killed([house.parts[name]], seconds)),
        make("frozen", lambda house, seconds: frozen([house.parts[name]], seconds)),
        make("failing", mood(moody, "refuse")),
        make("slow", mood(moody, SLOW_STORE)),
        make("flapping", mood(flapping, "refuse")),
    ]


def drained(house: House, span: Span) -> float:
    """How long after the fault the broker had all that was held back."""
    port = house.ports["postgres"]
    latest = stores.latest_event(port)
    while stores.unsent(port, latest) and time.monotonic() < span.ended + DRAIN_SECONDS:
        time.sleep(LOOK_SECONDS)
    return time.monotonic() - span.ended


def endure(house: House, fault: Fault, rate: float, seconds: float) -> Figures:
    """What the fault costs under so many requests a second."""
    with load(fault.port(house), rate, fault.requests(house)) as driving:
        time.sleep(LEAD_SECONDS)
        span = fault.happen(house, seconds)
        recovered = fault.recovered(house, span) if fault.recovered else None
        pause_until(span.ended + AFTER_SECONDS)
    return summed_up(driving.outcomes, span, recovered)


def all_faults() -> list[Fault]:
    """In the order in which they happen."""
    changing = {"requests": asked.with_changes, "recovered": drained}
    return [
        *replica_faults("account"),
        *(fault for name in BACKENDS for fault in backend_faults(name)),
        *store_faults("redis", Bounds(degraded=0)),
        *store_faults("postgres", Bounds(failed=None)),
        *store_faults("broker", Bounds(degraded=0, recover_s=10.0), **changing),
    ]
