"""What a URL says of servers of Kafka's protocol: where they are, and how to be let in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote

MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")
"""How a name and its password are shown; the first unless the URL names another."""


@dataclass(frozen=True, slots=True)
class KafkaServers:
    """Where the servers are, and how to be let in."""

    addresses: tuple[str, ...]
    """`host:port` each."""
    tls: bool = False
    authorities: Path | None = None
    """Whose certificates are trusted; None for those that the system trusts."""
    user: str | None = None
    """None when nobody asks for a name."""
    password: str = field(default="", repr=False)
    mechanism: str = MECHANISMS[0]

    @classmethod
    def at(cls, url: str) -> "KafkaServers":
        """Those at `kafka://host:port` or, over TLS, `kafkas://host:port`; ValueError says what is wrong with the URL.

        A name and its password may stand before the first host, several servers after commas, and options at the end:
        `?mechanism=PLAIN&ca=/path`.
        """
        scheme, _, rest = url.partition("://")
        rest, _, query = rest.partition("?")
        credentials, _, hosts = rest.rpartition("@")
        options = _options(query)
        servers = cls(
            tuple(hosts.split(",")),
            scheme == "kafkas",
            Path(options["ca"]) if "ca" in options else None,
            *_name_and_password(credentials),
            options.get("mechanism", MECHANISMS[0]),
        )
        _check(servers, options)
        return servers


def _options(query: str) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := next((name for name in options if name not in ("ca", "mechanism")), None):
        raise ValueError(f"has an option that nobody knows: {unknown}")
    return options


def _name_and_password(credentials: str) -> tuple[str | None, str]:
    if not credentials:
        return None, ""
    user, _, password = credentials.partition(":")
    if not user or not password:
        raise ValueError("must have both a name and a password before the @, or neither")
    return unquote(user), unquote(password)


def _check(servers: KafkaServers, options: Mapping[str, str]) -> None:
    if servers.mechanism not in MECHANISMS:
        raise ValueError(f"mechanism: there are {', '.join(MECHANISMS)}")
    if "mechanism" in options and servers.user is None:
        raise ValueError("mechanism: needs a name and a password before the first host")
    if servers.user is not None and servers.mechanism == "PLAIN" and not servers.tls:
        raise ValueError("mechanism: PLAIN shows the password to the network: use kafkas://")
    if servers.authorities is not None and not servers.tls:
        raise ValueError("ca: is for kafkas:// only")
    if servers.authorities is not None and not servers.authorities.is_file():
        raise ValueError(f"ca: there is no file {servers.authorities}")
