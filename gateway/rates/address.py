"""Whose address a request comes from."""

from collections.abc import MutableMapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from starlette.datastructures import Headers

Networks = Sequence[IPv4Network | IPv6Network]
NOBODY = "-"
"""The address of a client that has none: it does not come over a network."""
SITE_BITS = 64
"""How much of an address of version 6 stands for one client: the rest it chooses itself."""


def networks(text: str) -> Networks:
    """The networks of a list like `10.0.0.0/8, ::1`; raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def check_networks(text: str) -> str:
    """The list as it is, when it is one; else a ValueError that says so."""
    try:
        networks(text)
    except ValueError as error:
        raise ValueError("must be networks with commas between them: 10.0.0.0/8, ::1") from error
    return text


def client_address(scope: MutableMapping[str, Any], proxies: Networks) -> str:
    """The address to hold a client to: that of the connection, or what the proxies say that are trusted."""
    client = scope.get("client")
    if not client:
        return NOBODY
    if not proxies:
        return _site(client[0])
    return _forwarded(client[0], Headers(scope=scope).getlist("x-forwarded-for"), proxies)


def _forwarded(peer: str, forwarded: Sequence[str], proxies: Networks) -> str:
    """The last address that no trusted proxy has: whatever stands before it anybody may have written."""
    hops = [*(hop.strip() for value in forwarded for hop in value.split(",")), peer]
    last = peer
    for hop in reversed(hops):
        address = _parsed(hop)
        if address is None:
            break
        last = hop
        if not any(address in network for network in proxies):
            break
    return _site(last)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(maxsize=4096)
def _site(text: str) -> str:
    address = _parsed(text)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, SITE_BITS), strict=False))
    return str(address or text)
