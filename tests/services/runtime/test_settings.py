"""A process starts on settings that make sense, and says in one line which does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.runtime.gateway_names import GATEWAY_NAMES
from services.runtime.provider import Provider
from services.runtime.settings import Addresses, Schedules, Settings, check_cron, load, names

ALL_OF_A_KIND = "several servers are all unix:/path, all IPv4:port or all [IPv6]:port"


def refusal(capfd: pytest.CaptureFixture[str]) -> str:
    """What `load` printed while it refused."""
    with pytest.raises(SystemExit) as stopped:
        load(Settings)
    assert stopped.value.code == 2
    out, err = capfd.readouterr()
    assert out == ""
    return err


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ATRIUM_")]:
        monkeypatch.delenv(name)


def test_nothing_has_to_be_set() -> None:
    settings = load(Settings)
    assert settings.data == Path("var")
    assert settings.database_url("account") == "sqlite+aiosqlite:///var/account.db"
    assert settings.cache == "memory://"
    assert settings.addresses == Addresses(
        account="127.0.0.1:7101",
        permission="127.0.0.1:7102",
        banner="127.0.0.1:7103",
        activity="127.0.0.1:7104",
        identifier="127.0.0.1:7105",
    )
    assert (settings.drain_seconds, settings.worker, settings.metrics_port) == (2.0, None, None)


def test_the_environment_sets_what_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATRIUM_DATA", "/srv/atrium")
    monkeypatch.setenv("ATRIUM_ADDRESSES__BANNER", "unix:/run/banner")
    settings = load(Settings)
    assert settings.database_url("banner") == "sqlite+aiosqlite:////srv/atrium/banner.db"
    assert settings.addresses.of("banner") == "unix:/run/banner"
    assert settings.addresses.of("account") == "127.0.0.1:7101"


@pytest.mark.parametrize(
    "name", ["DATA", "KEYS", "PORT", "BUS", "TLS__CERT", "SCHEDULES__CLEAN_UP", "ADDRESSES__ACCOUNT"]
)
def test_what_is_empty_counts_as_unset(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ATRIUM_{name}", "")
    assert load(Settings) == Settings(data=Path("var"))


@pytest.mark.parametrize("name", GATEWAY_NAMES)
def test_what_only_the_gateway_reads_does_not_disturb_a_backend(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ATRIUM_{name}", "anything")
    assert load(Settings) == Settings()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("ATRIUM_PROT", "atrium: unknown setting ATRIUM_PROT (did you mean ATRIUM_PORT?)\n"),
        ("ATRIUM_CASHE", "atrium: unknown setting ATRIUM_CASHE (did you mean ATRIUM_CACHE?)\n"),
        ("ATRIUM_ADDRESSES__ACOUNT", "atrium: unknown setting ATRIUM_ADDRESSES__ACOUNT "
                                     "(did you mean ATRIUM_ADDRESSES__ACCOUNT?)\n"),
        ("ATRIUM_XYZZY", "atrium: unknown setting ATRIUM_XYZZY\n"),
    ],
)  # fmt: skip
def test_an_unknown_name_is_refused_with_a_guess(
    name: str, line: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, "127.0.0.1:1")
    assert refusal(capfd) == line


DATABASE = "must be sqlite+aiosqlite:///path or postgresql+psycopg://user@host/name"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("DATABASE", "mysql://root@localhost/atrium", DATABASE),
        ("DATABASE", "postgresql+asyncpg://root@localhost/atrium", DATABASE),
        ("DATABASE", "/var/atrium.db", DATABASE),
        ("DATABASE", "sqlite+aiosqlite://", "names no file: sqlite+aiosqlite:///path"),
        ("DATABASE", "sqlite+aiosqlite:///:memory:", "names no file: sqlite+aiosqlite:///path"),
        ("DATABASE", "postgresql+psycopg://localhost", "names no database: postgresql+psycopg://user@host:port/name"),
        ("DATABASE", "postgresql+psycopg://h:many/x", "names no database: postgresql+psycopg://user@host:port/name"),
        ("CACHE", "memcached://localhost", "must be memory:// or redis://host:port/number"),
        ("CACHE", "memory://here", "must be memory:// or redis://host:port/number"),
        ("CACHE", "redis://", "names no server: redis://host:port/number"),
        ("CACHE", "redis://h:99999/0", "names no server: redis://host:port/number"),
        ("CACHE", "redis://h:6379/first", "has a wrong number or option: redis://host:port/number"),
        ("CACHE", "redis://h:6379?db=first", "has a wrong number or option: redis://host:port/number"),
        ("CACHE", "redis://h:6379/0?colour=red", "has a wrong number or option: redis://host:port/number"),
        ("ADDRESSES__ACCOUNT", "somewhere", "must be unix:/path or host:port"),
        ("ADDRESSES__ACCOUNT", "127.0.0.1:0", "must be unix:/path or host:port"),
        ("ADDRESSES__ACCOUNT", "127.0.0.1:70000", "must be unix:/path or host:port"),
        ("ADDRESSES__ACCOUNT", "http://127.0.0.1:7101", "must be unix:/path or host:port"),
        ("ADDRESSES__ACCOUNT", "unix:", "must be unix:/path or host:port"),
        ("ADDRESSES__ACCOUNT", "10.0.0.1:7101,", "must be unix:/path or host:port"),
        ("ADDRESSES__ACCOUNT", "10.0.0.1:7101,unix:/run/b", ALL_OF_A_KIND),
        ("ADDRESSES__ACCOUNT", "10.0.0.1:7101,[::1]:7101", ALL_OF_A_KIND),
        ("ADDRESSES__ACCOUNT", "a.internal:7101,b.internal:7101", ALL_OF_A_KIND),
        ("ADDRESSES__ACCOUNT", f"unix:/{'x' * 103}", "the path of a unix socket has at most 103 bytes"),
        ("ADDRESSES", "{", "is no JSON object"),
        ("LOG_LEVEL", "loud", "Input should be 'debug', 'info', 'warning' or 'error'"),
        ("OTLP_ENDPOINT", "collector:4318", "must be http://host:port or https://host:port"),
        ("DRAIN_SECONDS", "-1", "Input should be greater than or equal to 0"),
        ("IDS", "elsewhere://", "Input should be 'local://' or 'identifier://'"),
        ("WORKER", "1024", "Input should be less than 1024"),
        ("METRICS_PORT", "many", "Input should be a valid integer, unable to parse string as an integer"),
    ],
)
def test_a_value_that_cannot_be_is_refused_in_one_line(
    name: str, value: str, problem: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"ATRIUM_{name}", value)
    assert refusal(capfd) == f"atrium: ATRIUM_{name}: {problem}\n"


def test_ids_of_the_process_itself_need_a_number(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATRIUM_IDS", "local://")
    assert refusal(capfd) == "atrium: ATRIUM_WORKER: must be set where ATRIUM_IDS is local://\n"
    monkeypatch.setenv("ATRIUM_WORKER", "0")
    assert (load(Settings).ids, load(Settings).worker) == ("local://", 0)
    monkeypatch.setenv("ATRIUM_IDS", "identifier://")
    assert refusal(capfd) == "atrium: ATRIUM_WORKER: must not be set where ATRIUM_IDS is identifier://\n"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:7101",
        "[::1]:7101",
        "banner.internal:80",
        "unix:/run/b",
        "unix:b",
        "unix:/run/a,unix:/run/b",
        "10.0.0.1:7101,10.0.0.2:7101,10.0.0.3:7102",
        "[::1]:7101,[::2]:7101",
    ],
)
def test_addresses_are_sockets_or_ports(address: str) -> None:
    assert Addresses(account=address).account == address


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://atrium:secret@db.internal:5432/atrium",
        "postgresql+psycopg://postgres:@/postgres?host=/tmp/socket",
        "sqlite+aiosqlite:////srv/{backend}.db",
    ],
)
def test_urls_of_databases(url: str) -> None:
    assert Settings(database=url).database == url


@pytest.mark.parametrize(
    "url",
    [
        "memory://",
        "kafka://127.0.0.1:9092",
        "kafka://a.internal:9092,[::1]:9093",
        "kafka://name:p%40ss@a:9092,b:9092",
        "kafkas://name:p@a:9092?mechanism=PLAIN",
    ],
)
def test_urls_of_buses(url: str) -> None:
    assert Settings(bus=url).bus == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("memory://else", "must be memory:// or kafka://host:port"),
        ("redis://127.0.0.1:6379", "must be memory:// or kafka://host:port"),
        ("kafka://", "names no server: kafka://host:port, several after commas"),
        ("kafka://a:9092,", "names no server: kafka://host:port, several after commas"),
        ("kafka://unix:/run/kafka", "names no server: kafka://host:port, several after commas"),
        ("kafka://name@a:9092", "must have both a name and a password before the @, or neither"),
        ("kafka://n:p@a:9092?mechanism=GUESS", "mechanism: there are SCRAM-SHA-512, SCRAM-SHA-256, PLAIN"),
        ("kafka://n:p@a:9092?mechanism=PLAIN", "mechanism: PLAIN shows the password to the network: use kafkas://"),
        ("kafkas://a:9092?mechanism=PLAIN", "mechanism: needs a name and a password before the first host"),
        ("kafka://a:9092?ca=/", "ca: is for kafkas:// only"),
        ("kafkas://a:9092?ca=/nowhere", "ca: there is no file /nowhere"),
        ("kafkas://a:9092?cert=/x", "has an option that nobody knows: cert"),
    ],
)
def test_urls_that_are_no_bus(
    url: str, problem: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATRIUM_BUS", url)
    assert refusal(capfd) == f"atrium: ATRIUM_BUS: {problem}\n"


@pytest.mark.parametrize(
    "url", ["redis://h", "redis://h/", "redis://:secret@h:6379/1?protocol=3", "rediss://h/0", "unix:///run/redis?db=2"]
)
def test_urls_of_caches(url: str) -> None:
    assert Settings(cache=url).cache == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE", "postgres://house:hunter2@db/atrium"),
        ("CACHE", "redis://house:hunter2@cache:6379/none"),
        ("BUS", "kafka://house:hunter2@kafka"),
        ("OTLP_ENDPOINT", "ftp://house:hunter2@collector"),
        ("REPORT_URL", "house:hunter2@reports"),
        ("ADDRESSES", '{"account": "hunter2"'),
        ("HUNTER", "hunter2"),
    ],
)
def test_a_refused_setting_does_not_show_its_value(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"ATRIUM_{name}", value)
    assert "hunter2" not in refusal(capfd)


def test_settings_do_not_show_passwords() -> None:
    settings = Settings(
        database="postgresql+psycopg://atrium:hunter2@db/atrium",
        cache="redis://:hunter2@cache/0",
        bus="kafka://house:hunter2@kafka:9092",
        otlp_endpoint="http://house:hunter2@collector",
        report_url="http://house:hunter2@reports",
        provider=Provider(issuer="i", audience="a", keys_url="https://house:hunter2@keys"),
    )
    assert "hunter2" not in f"{settings!r} {settings}"


def test_every_setting_says_what_it_is() -> None:
    nameless = [
        field for kind in (Settings, Addresses) for field, info in kind.model_fields.items() if not info.description
    ]
    assert nameless == []


def test_names_reach_into_submodels() -> None:
    assert {"ATRIUM_DATA", "ATRIUM_ADDRESSES", "ATRIUM_ADDRESSES__ACTIVITY"} <= set(names(Settings))


def test_a_process_refuses_without_a_traceback() -> None:
    code = "from services.runtime.settings import Settings, load; load(Settings)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ATRIUM_PROT": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "atrium: unknown setting ATRIUM_PROT (did you mean ATRIUM_PORT?)\n"


@pytest.mark.parametrize(
    "expression", ["5 * * * *", "*/15 0-6,22 * * 1-5", "* * * * * *", "59 59 23 31 12 7", "0-59/5 * * * *", "off"]
)
def test_a_time_of_tasks_is_a_cron_expression(expression: str) -> None:
    assert check_cron(expression) == expression


@pytest.mark.parametrize(
    "expression",
    [
        *("", "*", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "5-1 * * * *"),
        *("*/0 * * * *", "@hourly", "5 * * * MON", "* * * * * * *", "-1 * * * *", "1,,2 * * * *", "٥ * * * *"),
    ],
)
def test_anything_else_is_no_time_of_tasks(expression: str) -> None:
    with pytest.raises(ValueError, match="must be a cron expression"):
        check_cron(expression)


def test_a_task_whose_time_is_off_has_none() -> None:
    assert "clean-up" not in Schedules(clean_up="off").by_task()
    assert Schedules().by_task()["rollup-hourly"] == "5 * * * *"
