"""What happens to a gateway itself: too much at once, attacks, slow clients, bad input, and being replaced."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bench.client import Subject
from bench.load import answer_size, percentile
from bench.measure import Step, make_load
from bench.processes import python
from chaos import asked, attacks
from chaos.driving import load, prepared
from chaos.faults import AFTER_SECONDS, LEAD_SECONDS
from chaos.figures import NEVER, Bounds, Figures, Span, count, summed_up
from chaos.house import House, is_ready
from chaos.load import LOST, REFUSED, UNSENT, WHOLE, WITH_GAPS, Outcome, Sent
from chaos.parts import PATIENCE_SECONDS

ANYWHERE = frozenset[int]()
CONNECTIONS = 32
"""How many at once reach the most that there can be."""
IN_TIME_SECONDS = 1.0
"""A good answer that comes later is none any more."""
GOOD_RATE, ATTACK_RATE = 50.0, 2.0
SLOW_CLIENTS = 600
SLOW_SECONDS = 20.0
LARGEST_ANSWER = 16 * 1024 * 1024
LEAST_RESTARTED = 1000
"""So many requests a rolling restart is tried with."""
ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Trial:
    """Something that a gateway goes through."""

    name: str
    run: Callable[[House, "Strength", float], Figures]
    """With about so many seconds of it."""
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Strength:
    """What this machine can do at this time."""

    peak: float
    """The most requests that a gateway answers in a second."""

    @property
    def rate(self) -> float:
        """So many a second leave room for what goes wrong."""
        return min(max(self.peak * 0.2, 10.0), 60.0)


def strength(house: House, seconds: float) -> Strength:
    """What a gateway that keeps no answers can do."""
    port = house.asking()
    part = house.parts["asking"]
    subject = Subject("asking", port, part.process.pid, part.log, ANYWHERE)
    step = Step(subject.name, "home", CONNECTIONS)
    make_load(subject, house.tokens, step, seconds / 3)
    found = make_load(subject, house.tokens, step, seconds)
    if not found.requests:
        raise SystemExit("the gateway answers nothing, so there is nothing to break")
    return Strength(found.requests / found.seconds)


def overload(times: float) -> Callable[[House, Strength, float], Figures]:
    """So many times as many requests as there can be answers."""

    def run(house: House, strong: Strength, seconds: float) -> Figures:
        port, requests = house.asking(), asked.homes(house)
        with prepared(port, strong.rate, requests) as after, load(port, strong.peak * times, requests) as driving:
            began = time.monotonic()
            time.sleep(2 * seconds)
            span = Span(began, time.monotonic())
            driving.stop_sending()
            after.begin()
            time.sleep(AFTER_SECONDS)
            after.stop_sending()
        # What is refused is not answered, and says so, also for a moment afterwards: of the others none may fail.
        taken_on = [outcome for outcome in (*driving.outcomes, *after.outcomes) if outcome.kind != REFUSED]
        found = summed_up(taken_on, span)
        good = [outcome for outcome in driving.outcomes if outcome.seconds <= IN_TIME_SECONDS]
        rate = count(good, WHOLE, WITH_GAPS) / (span.ended - span.began)
        sent = len(driving.outcomes) - count(driving.outcomes, UNSENT)
        return replace(found, sent=sent, goodput=rate / strong.peak)

    return run


def attacked(house: House, _strong: Strength, seconds: float) -> Figures:
    """Good requests beside documents made to hurt."""
    port = house.gateway()
    with load(port, GOOD_RATE, asked.homes(house)) as good, load(port, ATTACK_RATE, attacks.documents()) as bad:
        time.sleep(LEAD_SECONDS)
        began = time.monotonic()
        time.sleep(2 * seconds)
        span = Span(began, time.monotonic())
    broken = sum(outcome.status >= 500 or outcome.status == 0 for outcome in bad.outcomes)
    complaints = (f"{broken} of {len(bad.outcomes)} attacks got no refusal but a failure",) if broken else ()
    return summed_up(good.outcomes, replace(span, complaints=complaints), recover_s=0.0)


@contextmanager
def slow_clients(port: int) -> Iterator["subprocess.Popen[str]"]:
    """Clients that take their time, all connected."""
    command = python("chaos.slow", str(port), "--clients", str(SLOW_CLIENTS), "--seconds", str(SLOW_SECONDS))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as clients:
        try:
            if clients.stdout is None:
                raise RuntimeError("the clients have no output")
            clients.stdout.readline()
            yield clients
        finally:
            clients.kill()


def beside_slow_clients(house: House, strong: Strength, _seconds: float) -> Figures:
    """Good requests beside clients that never come to an end."""
    port = house.gateway()
    with load(port, strong.rate, asked.homes(house)) as good, slow_clients(port) as slow:
        began = time.monotonic()
        said, _ = slow.communicate(timeout=SLOW_SECONDS + PATIENCE_SECONDS)
        span = Span(began, time.monotonic())
    left = SLOW_CLIENTS - int(said)
    complaints = (f"{left} slow clients were never let go",) if left else ()
    return summed_up(good.outcomes, replace(span, complaints=complaints), recover_s=0.0)


def rolling_restart(house: House, strong: Strength, _seconds: float) -> Figures:
    """Two gateways behind a balancer are replaced one after the other, until enough was asked meanwhile."""
    names = ("gateway", "twin")
    gateways = [house.gateway(name) for name in names]
    port, rate = house.balancer(*gateways), max(strong.rate, strong.peak * 0.3)
    with load(port, rate, asked.homes(house)) as driving:
        began = time.monotonic()
        time.sleep(LEAD_SECONDS)
        while rate * (time.monotonic() - began) < LEAST_RESTARTED * 1.1:
            for name in names:
                house.parts[name].stop()
                house.parts[name].start()
                house.parts[name].wait()
                house.parts["balancer"].wait()
        span = Span(began, time.monotonic())
        time.sleep(LEAD_SECONDS)
    return summed_up(driving.outcomes, span)


def bad_input(house: House, _strong: Strength, _seconds: float) -> Figures:
    """Everything that is bad, one at a time; the 99th percentile of so few is the slowest."""
    port = house.gateway()
    found = {name: exchanged(port, sent.encode("latin-1", "replace")) for name, sent in attacks.bad_input().items()}
    wrong = {name for name, outcome in found.items() if outcome.status >= 500 or outcome.size > LARGEST_ANSWER}
    slowest = percentile(sorted(outcome.seconds for outcome in found.values()), 99)
    alive = is_ready(port)
    return Figures(len(found), len(wrong), 0, slowest, 0.0 if alive else NEVER, complaints=tuple(sorted(wrong)))


def exchanged(port: int, sent: bytes) -> Outcome:
    """What comes of these bytes; a connection that is closed without an answer has status 0."""
    at = time.monotonic()
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS) as connection:
        try:
            connection.sendall(sent)
            while not is_complete(received) and (data := connection.recv(65_536)):
                received += data
        except ConnectionError:
            pass
        except TimeoutError:
            return replace(Sent(at).unanswered(LOST), status=599)
    if not received.startswith(b"HTTP/1.1 "):
        return Sent(at).unanswered(LOST)
    return Sent(at).answered(bytes(received))


def is_complete(received: bytearray) -> bool:
    """Whether these bytes are a whole answer."""
    size = answer_size(received)
    return size is not None and len(received) >= size


def all_trials() -> list[Trial]:
    """In the order in which they happen."""
    return [
        Trial("overload x2", overload(2), Bounds(goodput=0.85)),
        Trial("overload x5", overload(5), Bounds(goodput=0.85)),
        Trial("attacks", attacked, Bounds(degraded=0, p99_ms=50.0)),
        Trial(f"{SLOW_CLIENTS} slow clients", beside_slow_clients, Bounds(degraded=0)),
        Trial("rolling restart", rolling_restart, Bounds(sent=LEAST_RESTARTED)),
        Trial("bad input", bad_input, Bounds(p99_ms=100.0)),
    ]
