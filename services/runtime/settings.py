"""What a process is told from outside: environment variables named `ATRIUM_…`, each refused when nobody knows it."""

import difflib
import os
import re
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from services.runtime.bus.servers import KafkaServers
from services.runtime.gateway_names import GATEWAY_NAMES
from services.runtime.provider import Provider
from services.runtime.tls import Tls

PREFIX = "ATRIUM_"
COMMAND_NAMES = ("TOKEN",)
"""What only commands read: secrets, which no process keeps."""
DATABASES = ("sqlite+aiosqlite", "postgresql+psycopg")
BUSES = ("memory", "kafka", "kafkas")
CACHES = ("memory", "redis", "rediss", "unix")
OFF = "off"
CRON_RANGES = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
"""The least and the greatest second, minute, hour, day, month and weekday."""
CRON_PART = re.compile(r"(\*|(?P<first>\d{1,2})(-(?P<last>\d{1,2}))?)(/[1-9]\d?)?", re.ASCII)
# The path of a unix socket ends at 107 bytes on Linux and 103 on macOS; beyond, the system only says "invalid".
LONGEST_SOCKET_PATH = 103


def check_address(address: str) -> str:
    """The address of a gRPC server as it is, when it is `unix:/path` or `host:port`; else a ValueError that says so."""
    if address.startswith("unix:"):
        path = address.removeprefix("unix:")
        if not path:
            raise ValueError("must be unix:/path or host:port")
        if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
            raise ValueError(f"the path of a unix socket has at most {LONGEST_SOCKET_PATH} bytes")
        return address
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536 or "/" in address:
        raise ValueError("must be unix:/path or host:port")
    return address


def check_servers(addresses: str) -> str:
    """The address of a gRPC server, or those of several after commas, as they are; else a ValueError that says so."""
    kinds = {_kind(check_address(address)) for address in addresses.split(",")}
    if "," in addresses and (len(kinds) > 1 or "name" in kinds):
        raise ValueError("several servers are all unix:/path, all IPv4:port or all [IPv6]:port")
    return addresses


def _kind(address: str) -> str:
    """What an address is made of: unix, 4 or 6 by the version of IP, or a name."""
    if address.startswith("unix:"):
        return "unix"
    try:
        return str(ip_address(address.rpartition(":")[0].strip("[]")).version)
    except ValueError:
        return "name"


def check_database(url: str) -> str:
    """The URL of a database as it is, when Atrium has an implementation for it."""
    scheme, _, rest = url.partition("://")
    if scheme not in DATABASES:
        raise ValueError("must be sqlite+aiosqlite:///path or postgresql+psycopg://user@host/name")
    if scheme.startswith("sqlite"):
        if len(rest) < 2 or not rest.startswith("/") or ":memory:" in rest:
            raise ValueError("names no file: sqlite+aiosqlite:///path")
    elif not _readable(url) or len(urlsplit(url).path) < 2:
        raise ValueError("names no database: postgresql+psycopg://user@host:port/name")
    return url


def check_cache(url: str) -> str:
    """The URL of a cache as it is, when Atrium has an implementation for it."""
    scheme, _, rest = url.partition("://")
    if scheme not in CACHES or (scheme == "memory" and rest):
        raise ValueError("must be memory:// or redis://host:port/number")
    if scheme != "memory" and (not rest or not _readable(url)):
        raise ValueError("names no server: redis://host:port/number")
    if scheme != "memory" and not _is_taken_by_client(url):
        raise ValueError("has a wrong number or option: redis://host:port/number")
    return url


def check_bus(url: str) -> str:
    """The URL of a bus as it is, when Atrium has an implementation for it."""
    scheme, _, rest = url.partition("://")
    if scheme not in BUSES or (scheme == "memory" and rest):
        raise ValueError("must be memory:// or kafka://host:port")
    if scheme != "memory":
        for server in KafkaServers.at(url).addresses:
            _check_kafka_server(server)
    return url


def _check_kafka_server(server: str) -> None:
    try:
        check_address(server)
    except ValueError as error:
        raise ValueError("names no server: kafka://host:port, several after commas") from error
    if server.startswith("unix:"):
        raise ValueError("names no server: kafka://host:port, several after commas")


def _is_taken_by_client(url: str) -> bool:
    """Whether the client of Redis can make something of the whole URL; it would say so only when it first connects."""
    from redis import ConnectionPool  # Who has no Redis does not wait for it.

    # The client takes number 0 for one that it cannot read.
    if not url.startswith("unix:") and not re.fullmatch(r"(/[0-9]*)?", urlsplit(url).path, re.ASCII):
        return False
    try:
        ConnectionPool.from_url(url).make_connection()
    except (TypeError, ValueError):
        return False
    return True


def check_endpoint(url: str) -> str:
    """The URL of an HTTP endpoint as it is."""
    if not _readable(url) or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise ValueError("must be http://host:port or https://host:port")
    return url


def check_cron(expression: str) -> str:
    """The cron expression as it is: minute, hour, day, month and weekday in numbers, or seconds before them."""
    if expression == OFF:
        return expression
    fields = expression.split()
    ranges = CRON_RANGES[-len(fields) :] if len(fields) in (5, 6) else ()
    if not ranges or not all(map(_is_cron_field, fields, ranges)):
        raise ValueError("must be a cron expression of numbers, such as `5 * * * *`, or `off`")
    return expression


def _is_cron_field(field: str, limits: tuple[int, int]) -> bool:
    low, high = limits
    for part in field.split(","):
        found = CRON_PART.fullmatch(part)
        if not found:
            return False
        numbers = [int(number) for number in found.group("first", "last") if number]
        if not all(low <= number <= high for number in numbers) or numbers != sorted(numbers):
            return False
    return True


def _readable(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


Address = Annotated[str, AfterValidator(check_servers)]


class Addresses(BaseModel):
    """Where each backend is: `unix:/path` or `host:port`, or several servers after commas."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: Address = Field("127.0.0.1:7101", description="Address of the account backend.")
    permission: Address = Field("127.0.0.1:7102", description="Address of the permission backend.")
    banner: Address = Field("127.0.0.1:7103", description="Address of the banner backend.")
    activity: Address = Field("127.0.0.1:7104", description="Address of the activity backend.")
    identifier: Address = Field("127.0.0.1:7105", description="Address of the identifier backend.")
    job: Address = Field("127.0.0.1:7106", description="Address of the job service.")
    admin: Address = Field("127.0.0.1:7107", description="Address of the admin backend.")
    task: Address = Field("127.0.0.1:7108", description="Address of the task backend.")

    def of(self, backend: str) -> str:
        """The address of the backend with this name; its addresses, after commas, when it has several servers."""
        return str(getattr(self, backend))

    @classmethod
    def sockets(cls, folder: str | Path) -> Self:
        """Every backend at a unix socket of its own in the folder."""
        return cls(**{name: f"unix:{folder}/{name}" for name in cls.model_fields})


Cron = Annotated[str, AfterValidator(check_cron)]


class Schedules(BaseModel):
    """When tasks run, in UTC."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(True, description="Whether the task backend runs tasks by itself.")
    rollup_hourly: Cron = Field(
        "5 * * * *", description="When the last hour is rolled up: a cron expression in UTC, or `off`."
    )
    rollup_daily: Cron = Field("15 0 * * *", description="When the last day is rolled up.")
    purge_sessions: Cron = Field("25 * * * *", description="When sessions that ended a while ago are removed.")
    end_closures: Cron = Field("35 * * * *", description="When closures are ended whose cooling-off period is over.")
    clean_up: Cron = Field("45 3 * * *", description="When old events and runs are removed.")

    def by_task(self) -> dict[str, str]:
        """The cron expression of each task that has one, by the name of the task."""
        expressions = self.model_dump(exclude={"enabled"})
        return {name.replace("_", "-"): cron for name, cron in expressions.items() if cron != OFF}


class Settings(BaseSettings):
    """What every process reads; the gateway adds its own."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,  # An empty path would be the folder that somebody happens to be in.
        extra="forbid",
        frozen=True,
    )

    data: Path = Field(Path("var"), description="Folder of the embedded stores.")
    database: Annotated[str, AfterValidator(check_database)] = Field(
        "sqlite+aiosqlite:///{data}/{backend}.db",
        description="Where the backends keep their rows: `sqlite+aiosqlite:///path` or "
        "`postgresql+psycopg://user@host/name`; `{data}` and `{backend}` are filled in.",
        validate_default=True,
        repr=False,
    )
    cache: Annotated[str, AfterValidator(check_cache)] = Field(
        "memory://", description="The cache of the backends: `memory://` or `redis://host:port/number`.", repr=False
    )
    bus: Annotated[str, AfterValidator(check_bus)] = Field(
        "memory://",
        description="What carries events: `memory://` within one process that runs every backend, or "
        "`kafka://host:port`, several servers after commas; over TLS `kafkas://`, with a name "
        "`kafkas://name:password@host:port`, and `?ca=/path` or `?mechanism=PLAIN` at the end.",
        repr=False,
    )
    addresses: Addresses = Field(
        Addresses(), description="Where the backends listen, and where the gateway finds them."
    )
    keys: Path | None = Field(
        None,
        description="Folder of the keys that processes prove themselves with, as `python -m services keys` makes it; "
        "unset: `keys` below the data folder, made at the first start, which works on one machine only.",
    )
    tls: Tls = Field(Tls(), description="Certificates for calls over TCP; unset: plaintext.")
    plaintext: bool = Field(
        False, description="Allow calls in plaintext to and from other machines: where the network itself is private."
    )
    provider: Provider = Field(Provider(), description="An identity provider outside.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is logged.")
    otlp_endpoint: Annotated[str, AfterValidator(check_endpoint)] | None = Field(
        None,
        description="Where traces go, by OTLP over HTTP, such as `http://127.0.0.1:4318`; unset: nowhere.",
        repr=False,
    )
    drain_seconds: float = Field(
        2.0, ge=0, le=300, description="How long work in flight may go on after a stop signal."
    )
    ids: Literal["local://", "identifier://"] | None = Field(
        None,
        description="Where ids of new rows come from: `identifier://` (the identifier backend) or `local://` (this "
        "process, which must have a number of its own); unset: the identifier, unless there is a number.",
    )
    worker: int | None = Field(
        None,
        ge=0,
        lt=1024,
        validate_default=True,
        description="Number of this process in the ids that it makes by itself, 0 to 1023, unique among processes.",
    )
    cooling_off_days: float = Field(
        7.0, gt=0, le=365, description="For how many days the closure of an account can be undone."
    )
    schedules: Schedules = Field(Schedules(), description="When tasks run.")
    report_url: Annotated[str, AfterValidator(check_endpoint)] | None = Field(
        None,
        description="Where roll-ups are posted, such as `https://example.org/reports`; unset: into files below the "
        "data folder.",
        repr=False,
    )
    metrics_port: int | None = Field(
        None,
        ge=1,
        lt=65536,
        description="Port on which a backend process answers `/metrics`, `/livez` and `/readyz`; of several workers "
        "of a gateway the first one's, each further one's is the next; unset: none.",
    )

    @field_validator("worker")
    @classmethod
    def _has_a_number_where_one_is_used(cls, worker: int | None, others: ValidationInfo) -> int | None:
        ids = others.data.get("ids")
        if ids == "local://" and worker is None:
            raise ValueError("must be set where ATRIUM_IDS is local://")
        if ids == "identifier://" and worker is not None:
            raise ValueError("must not be set where ATRIUM_IDS is identifier://")
        return worker

    def database_url(self, backend: str) -> str:
        """The URL of one backend's database."""
        return self.database.replace("{data}", str(self.data)).replace("{backend}", backend)


SettingsT = TypeVar("SettingsT", bound=Settings)


def load(kind: type[SettingsT]) -> SettingsT:
    """The settings of the environment; exits with code 2 and one clear line when one is unknown or wrong."""
    if unknown := next(_unknown_names(kind), None):
        _refuse(f"unknown setting {unknown}{_suggestion(unknown, kind)}")
    try:
        return kind()
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        name = PREFIX + "__".join(str(part) for part in problem["loc"]).upper()
        _refuse(f"{name}: {problem['msg'].removeprefix('Value error, ')}")
    except SettingsError as error:  # Only its first words: what follows may show the value.
        field = str(error).split('"')[1]
        _refuse(f"{PREFIX}{field.upper()}: is no JSON object")


def names(kind: type[BaseModel], prefix: str = PREFIX) -> Iterator[str]:
    """The names of all environment variables that `kind` reads, nested ones too."""
    for field, info in kind.model_fields.items():
        name = prefix + field.upper()
        yield name
        inner: Any = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from names(inner, f"{name}__")


def _known_names(kind: type[Settings]) -> set[str]:
    return {*names(kind), *(PREFIX + name for name in (*GATEWAY_NAMES, *COMMAND_NAMES))}


def _unknown_names(kind: type[Settings]) -> Iterator[str]:
    known = _known_names(kind)
    return (name for name in sorted(os.environ) if name.upper().startswith(PREFIX) and name.upper() not in known)


def _suggestion(name: str, kind: type[Settings]) -> str:
    close = difflib.get_close_matches(name.upper(), _known_names(kind), n=1, cutoff=0.7)
    return f" (did you mean {close[0]}?)" if close else ""


def _refuse(problem: str) -> NoReturn:
    print(f"atrium: {problem}", file=sys.stderr)
    raise SystemExit(2)
