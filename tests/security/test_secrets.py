"""What is secret is written nowhere: not in logs at their most talkative, traces, metrics, answers, or pages."""

import gc
import importlib
import json
import logging
import pkgutil
import re
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import httpx
import pytest
import structlog
from google.protobuf.message import Message
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy.engine import make_url

from services.backends import BACKENDS
from services.runtime.database import open_database
from services.runtime.settings import Settings
from services.runtime.telemetry import configure_logging, configure_tracing
from services.runtime.trust.keys import PUBLIC
from tests.conftest import HandClock, free_port, wait_for_port
from tests.gateway.process import finished, running
from tests.gateway.push.client import connected
from tests.scenario.centre import Centre, open_centre
from tests.scenario.processes import report_endpoint
from tests.scenario.test_provider import published
from tests.scenario.visitor import ME, SIGN_IN
from tests.scenario.waiting import eventually
from tests.security.ways import DOORS
from tests.services.account.issuer import NEXT, RSA, Issuer
from tests.services.account.issuer import settings as provider
from tests.services.account.issuer import token as signed

KEPT = "only-the-visitor-knows-this-one"
GUESSED = "guessed-by-somebody-else"
BAKED = "cookie-of-another-application"
BASIC = "b25seS1mb3ItYW5vdGhlcjpzeXN0ZW0="
STALE = "token-that-nobody-was-given"
KEY, KEYS = "key-in-an-address", "password-of-the-provider"
NOBODY = "acc_999999"
STORE, CACHE, REPORTS, BROKER, COLLECTOR = (
    f"password-of-the-{what}" for what in ("store", "cache", "reports", "broker", "collector")
)
OPEN = "mutation ($input: AdminCreateAccountInput!) { adminCreateAccount(input: $input) { id } }"
SIGN_IN_AT_ONCE = 'mutation { signIn(handle: "keeper", password: "%s") { token } }'
NEW = {"type": "PERSONAL", "displayName": "K", "reason": "asked"}
SECRETS = [KEPT, GUESSED, BAKED, BASIC, STALE, STORE, CACHE, REPORTS, KEY, KEYS]
UNREACHABLE = [STORE, CACHE, BROKER, COLLECTOR, REPORTS]
SIGNED = re.compile(r"\bey[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}")
"""What proves a caller or a viewer, or any other JSON that somebody signed."""
SECRET_FIELDS = {"password", "password_hash", "token", "token_hash", "authorization"}
PACKAGES = ("gateway", "loaders", "schema", "services")


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for logger in map(logging.getLogger, logging.getLogger().manager.loggerDict):
        logger.setLevel(logging.NOTSET)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    kept = InMemorySpanExporter()
    with configure_tracing(Settings(), exporter=kept):
        yield kept


@pytest.fixture
def locked_redis(tmp_path: Path) -> Iterator[str]:
    """URL of a Redis that wants a password."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--requirepass", CACHE]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for_port(port)
            yield f"redis://:{CACHE}@127.0.0.1:{port}/0"
        finally:
            process.terminate()


@pytest.fixture
def database(empty_postgres: str) -> str:
    """URL of a store, with a password that it does not even ask for."""
    return make_url(empty_postgres).set(password=STORE).render_as_string(hide_password=False)


@pytest.fixture
def unreachable() -> dict[str, str]:
    """Settings of a process to which everything is closed."""
    port = free_port()
    return {
        "DATABASE": f"postgresql+psycopg://house:{STORE}@127.0.0.1:1/atrium",
        "CACHE": f"redis://house:{CACHE}@127.0.0.1:1/0",
        "BUS": f"kafka://house:{BROKER}@127.0.0.1:1",
        "OTLP_ENDPOINT": f"http://house:{COLLECTOR}@127.0.0.1:1",
        "REPORT_URL": f"http://house:{REPORTS}@127.0.0.1:1",
        "METRICS_PORT": str(port),
        "LOG_LEVEL": "debug",
        "WORKER": "3",
        **{f"ADDRESSES__{name.upper()}": f"127.0.0.1:{free_port()}" for name in BACKENDS},
    }


@pytest.fixture
async def centre(
    database: str, locked_redis: str, tmp_path: Path, clock: HandClock, spans: InMemorySpanExporter
) -> AsyncIterator[Centre]:
    with report_endpoint() as reports:
        reported = reports.url.replace("http://", f"http://house:{REPORTS}@") + f"?key={KEY}"
        async with (
            published(Issuer(RSA)) as keys,
            open_centre(
                tmp_path,
                clock,
                database=database,
                cache=locked_redis,
                report_url=reported,
                provider=provider(keys.replace("//", f"//house:{KEYS}@") + f"?key={KEY}", retry_seconds=0.01),
            ) as opened,
        ):
            yield opened


async def used(centre: Centre) -> tuple[str, list[object]]:
    """The token of somebody who signed in, and all else that is told them, and others who try."""
    visitor, address = centre.visitor, centre.address
    staff = await visitor.sign_in("sam", "atrium-demo")
    await visitor.data(OPEN, staff, input=NEW | {"handle": "keeper", "password": KEPT})
    token = await visitor.sign_in("keeper", KEPT)
    told: list[object] = [await visitor.ask(SIGN_IN, handle="keeper", password=GUESSED)]
    told.append(await visitor.ask(SIGN_IN.replace("String!", "Int!"), handle=1, password=2))
    now = centre.clock().timestamp()
    await eventually(lambda: visitor.ask(ME, signed(now=now)), {"data": {"viewer": {"account": {"handle": "ada"}}}})
    for given in (token, STALE, signed(now=now), signed(NOBODY, now=now), signed(key=NEXT, now=now)):
        told.append(await visitor.ask(ME, given))
        told += [await ask(address, ME, given) for ask in DOORS.values()]
    await centre.run("rollup-daily")
    return token, [*told, *await _odd_requests(address), *await _odd_frames(address)]


async def _odd_requests(address: str) -> list[object]:
    """What is answered to secrets in places where they are not expected, and on the pages."""
    literal = SIGN_IN_AT_ONCE % GUESSED
    variables = json.dumps({"handle": "keeper", "password": GUESSED})
    asked = [{"query": literal, "token": STALE}, {"query": SIGN_IN, "variables": variables}]
    headers = [{"cookie": f"session={BAKED}"}, {"authorization": f"Basic {BASIC}"}, {"authorization": STALE}]
    pages = ["/", "/graphql", "/metrics", "/readyz", f"/nowhere?token={STALE}"]
    async with httpx.AsyncClient(base_url=f"http://{address}", timeout=60, follow_redirects=True) as http:
        answers = [await http.get("/graphql", params=one) for one in asked]
        answers += [await http.post("/graphql", json={"query": ME}, headers=one) for one in headers]
        answers += [await http.get(page, headers={"accept": "text/html"} | headers[0]) for page in pages]
    return [answer.text for answer in answers]


async def _odd_frames(address: str) -> list[object]:
    closed: list[object] = []
    for frame in (f'["{STALE}"]', f'{{"type": "connection_init", "payload": "{STALE}"}}', f'{{"type": "{STALE}"}}'):
        async with connected(address) as subscriber:
            await subscriber.send(frame)
            closed.append(await subscriber.closed())
    return closed


async def broken(centre: Centre, token: str, database: str) -> list[object]:
    """What is answered when sign-ins and sessions cannot be read any more: failures that are logged in full."""
    async with open_database(database.replace("{backend}", "account")) as store, store.engine.begin() as connection:
        for table in ("account_session", "account_credential"):
            await connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO no_{table}")
    signing_in = await centre.visitor.ask(SIGN_IN, handle="keeper", password=KEPT)
    return [signing_in, await centre.visitor.ask(ME, f"{STALE}-too")]


def held() -> dict[str, str]:
    """How the objects of ours show themselves that are there, by type; messages are not ours, and nobody logs them."""
    shown: dict[str, str] = {}
    for one in gc.get_objects():
        kind = type(one)
        if str(kind.__module__).partition(".")[0] in PACKAGES and not isinstance(one, Message | type):
            shown[kind.__qualname__] = f"{shown.get(kind.__qualname__, '')}\n{one!r}"
    return shown


def private_keys(folder: Path) -> list[str]:
    """What the processes sign with."""
    kept = [json.loads(path.read_text()) for path in (folder / "keys").glob("*.json") if path.name != PUBLIC]
    found = re.findall(r'"d": ?"([^"]+)"', json.dumps(kept))
    assert len(found) >= len(BACKENDS)
    return found


@pytest.mark.usefixtures("logging_as_before")
async def test_no_secret_is_written_anywhere(
    centre: Centre, database: str, tmp_path: Path, spans: InMemorySpanExporter, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("debug")
    token, told = await used(centre)
    told += await broken(centre, token, database)
    log, traced = capsys.readouterr().out, "".join(one.to_json() for one in spans.get_finished_spans())
    assert ("UndefinedTable" in log, "rpc failed" in log) == (True, True)
    assert all(word in traced for word in ("POST /graphql", "SELECT", "reports", "AccountService/SignIn"))
    written = {"answers": json.dumps(told), "log": log, "traces": traced, **held()}
    secrets = [*SECRETS, token, *private_keys(tmp_path)]
    assert {(place, one) for place, text in written.items() for one in secrets if one in text} == set()
    assert {place for place, text in written.items() if SIGNED.search(text)} == set()


@pytest.mark.parametrize("words", [("gateway", "doctor"), ("services", "migrate")])
def test_no_command_shows_a_secret(words: tuple[str, ...], unreachable: Mapping[str, str]) -> None:
    done = finished(words, unreachable)
    assert [one for one in UNREACHABLE if one in done.stdout + done.stderr] == []
    assert done.stdout + done.stderr


def test_no_process_that_reaches_nothing_shows_a_secret(unreachable: Mapping[str, str], tmp_path: Path) -> None:
    page = f"http://127.0.0.1:{unreachable['METRICS_PORT']}/readyz"
    with running(["services", "serve", "account", "job"], unreachable, tmp_path / "log") as process:
        process.wait_for(page, 503)
        while '"work failed and is tried again"' not in process.output or "store is not ready" not in process.output:
            assert httpx.get(page).status_code == 503
        assert process.stop()[0] == 0
    assert [one for one in UNREACHABLE if one in process.output] == []


def test_no_object_of_ours_shows_what_its_fields_call_secret() -> None:
    found = [kind for name in modules() for kind in vars(importlib.import_module(name)).values() if is_dataclass(kind)]
    kinds = {kind for kind in found if isinstance(kind, type) and kind.__module__.partition(".")[0] in PACKAGES}
    hiding = [kind for kind in kinds if SECRET_FIELDS & {one.name for one in fields(kind)}]
    assert len(hiding) > 8
    assert {kind.__qualname__ for kind in hiding if "a secret" in repr(filled_with_secrets(kind))} == set()


def modules() -> Iterator[str]:
    """Ours, without commands and what is made by machines."""
    for package in PACKAGES:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not re.search(r"__main__|generated|migrations|release", module.name):
                yield module.name


def filled_with_secrets(kind: type) -> object:
    """An instance whose secret fields hold a secret, made behind the back of its own making."""
    made: object = object.__new__(kind)
    for one in fields(kind):
        object.__setattr__(made, one.name, "a secret" if one.name in SECRET_FIELDS else Anything())
    return made


class Anything:
    """Has whatever is asked for."""

    def __getattr__(self, name: str) -> "Anything":
        return self
