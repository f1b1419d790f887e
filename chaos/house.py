"""The house that faults happen in: gateways, backends with their servers, stores, and what stands between them."""

import http.client
import os
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.client import exchange, listens, serves, sign_in
from bench.house import free_port
from bench.processes import python, tail
from bench.rows import NOTHING_KEPT
from chaos import stores
from chaos.parts import PATIENCE_SECONDS, Part

BACKENDS = {"account": 3, "permission": 1, "banner": 1, "activity": 1}
"""How many servers each backend has."""
STORES = ("redis", "postgres", "broker")
ACCOUNTS = "240"
VIEWERS = 24


class House:
    """Starts what is asked for when it is first asked for; all of it ends with `closing`."""

    def __init__(self, folder: Path, closing: ExitStack, patience: float) -> None:
        """Good clients wait for `patience` seconds."""
        self.patience = patience
        self._folder = folder
        self._closing = closing
        self.parts: dict[str, Part] = {}
        """What runs, by name: `account-1`, `redis`, `gateway`."""
        self.ports: dict[str, int] = {}
        """Where what speaks TCP listens: `gateway`, `redis`, and `redis-passage`, through which it is found."""
        self.tokens: list[str] = []
        """Sessions of the viewers."""
        own = {f"ATRIUM_ADDRESSES__{name.upper()}": self.addresses(name) for name in BACKENDS}
        self._settings = own | {"ATRIUM_DATA": str(folder), "ATRIUM_LOG_LEVEL": "warning"}
        self._worker = 0

    def build(self, tell: Callable[[str], None]) -> None:
        """Starts stores and backends, fills them, and signs viewers in."""
        tell("starting stores")
        self._start_stores()
        tell("making demo data")
        for step in (["migrate"], ["demo", "--accounts", ACCOUNTS]):
            self._run(f"{step[0]}", python("services", *step))
        tell("starting backends")
        names = [self._add_server(name, number) for name, count in BACKENDS.items() for number in range(1, count + 1)]
        for name in names:
            self.parts[name].wait()
        tell("signing in")
        self.tokens = sign_in(self._folder, f"unix:{self.socket('account', 1)}", VIEWERS)

    def socket(self, backend: str, number: int, kind: str = "") -> str:
        """The path of the socket of one server of a backend."""
        return f"{self._folder}/{kind}{backend}-{number}.sock"

    def addresses(self, backend: str, kind: str = "") -> str:
        """The addresses of all servers of a backend, as settings have them."""
        numbers = range(1, BACKENDS[backend] + 1)
        return ",".join(f"unix:{self.socket(backend, number, kind)}" for number in numbers)

    def servers(self, backend: str) -> list[Part]:
        """The servers of a backend."""
        return [self.parts[f"{backend}-{number}"] for number in range(1, BACKENDS[backend] + 1)]

    def gateway(self, name: str = "gateway", **settings: str) -> int:
        """The port of a gateway on the backends themselves, as it usually runs but for these settings."""
        if name not in self.parts:
            port = self.ports[name] = free_port()
            command = python("gateway", "run")
            self._add(name, command, partial(is_ready, port), {"ATRIUM_PORT": str(port), **settings}).wait()
        return self.ports[name]

    def asking(self) -> int:
        """The port of a gateway that keeps no answers: each answer needs every backend."""
        return self.gateway("asking", **NOTHING_KEPT)

    def interposed(self) -> int:
        """The port of a gateway that keeps no answers, and finds all backends behind an interposer."""
        if "interposer" not in self.parts:
            numbered = [(name, number) for name, count in BACKENDS.items() for number in range(1, count + 1)]
            fronts = {f"unix:{self.socket(*one, 'front-')}": f"unix:{self.socket(*one)}" for one in numbered}
            pairs = [f"{front}={back}" for front, back in fronts.items()]
            ready = partial(all_serve, list(fronts))
            self._add("interposer", python("chaos.interposer", *pairs), ready, {}).wait()
        own = {f"ATRIUM_ADDRESSES__{name.upper()}": self.addresses(name, "front-") for name in BACKENDS}
        return self.gateway("interposed", **NOTHING_KEPT, **own)

    def balancer(self, *gateways: int) -> int:
        """The port of a balancer before these gateways, which waits to be ready until all of them are."""
        port = self.ports["balancer"] = free_port()
        command = python("chaos.balancer", str(port), *map(str, gateways))
        self._add("balancer", command, partial(sees, port, len(gateways)), {}).wait()
        return port

    def _start_stores(self) -> None:
        ports = self.ports
        for name in STORES:
            ports[name], ports[f"{name}-passage"] = free_port(), free_port()
        pairs = [f"{ports[f'{name}-passage']}:{ports[name]}" for name in STORES]
        ready = partial(all_listen, [ports[f"{name}-passage"] for name in STORES])
        self.parts |= {
            "redis": stores.redis(self._folder, ports["redis"]),
            "postgres": stores.postgres(self._folder / "postgres", ports["postgres"]),
            "broker": stores.broker(self._folder, ports["broker"], ports["broker-passage"]),
        }
        for name in STORES:
            self._begin(self.parts[name])
        self._add("passages", python("chaos.proxy", *pairs), ready, {})
        for part in self.parts.values():
            part.wait()
        self._settings |= {
            "ATRIUM_DATABASE": f"postgresql+psycopg://postgres@127.0.0.1:{ports['postgres-passage']}/postgres",
            "ATRIUM_CACHE": f"redis://127.0.0.1:{ports['redis-passage']}/0",
            "ATRIUM_BUS": f"kafka://127.0.0.1:{ports['broker-passage']}",
        }

    def _add_server(self, backend: str, number: int) -> str:
        """Starts one server of a backend; its name."""
        name, address = f"{backend}-{number}", f"unix:{self.socket(backend, number)}"
        self._worker += 1
        command = python("services", "serve", f"{backend}={address}")
        self._add(name, command, partial(serves, address), {"ATRIUM_WORKER": str(self._worker)})
        return name

    def _add(self, name: str, command: list[str], ready: Callable[[], bool], settings: dict[str, str]) -> Part:
        environment = self._environment() | settings
        self.parts[name] = Part(name, command, ready, self._folder / f"{name}.log", environment)
        self._begin(self.parts[name])
        return self.parts[name]

    def _begin(self, part: Part) -> None:
        part.start()
        self._closing.callback(part.end)

    def _run(self, name: str, command: list[str]) -> None:
        """Runs a command to its end, which must be a good one."""
        log = self._folder / f"{name}.log"
        part = Part(name, command, lambda: True, log, self._environment() | {"ATRIUM_WORKER": "1023"})
        part.start()
        if part.process.wait(PATIENCE_SECONDS):
            raise SystemExit(f"{name} failed; its log ends with:\n{tail(log)}")

    def _environment(self) -> dict[str, str]:
        """What this process was given, apart from settings of Atrium: the house makes those."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ATRIUM_")}
        return inherited | self._settings


def is_ready(port: int) -> bool:
    """Whether the gateway there wants requests."""
    try:
        return exchange(port, "GET", "/readyz")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def sees(port: int, gateways: int) -> bool:
    """Whether the balancer there knows of so many gateways that are ready."""
    try:
        return exchange(port, "GET", "/readyz")[1] == str(gateways).encode()
    except (OSError, http.client.HTTPException):
        return False


def all_serve(addresses: list[str]) -> bool:
    """Whether there is a healthy server at each of these addresses."""
    return all(map(serves, addresses))


def all_listen(ports: list[int]) -> bool:
    """Whether somebody accepts connections at each of these ports."""
    return all(map(listens, ports))
