from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rates.address import check_networks, client_address, networks

PROXIES = networks("10.0.0.0/8, 127.0.0.1, fd00::/8")


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    return {"type": "http", "client": (peer, 1234) if peer else None, "headers": headers}


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        (None, "-"),
        ("somewhere", "somewhere"),
    ],
)
def test_a_client_is_held_to_the_address_of_its_connection(peer: str | None, address: str) -> None:
    assert client_address(scope(peer, "203.0.113.9"), ()) == address


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.7", ["203.0.113.9"], "192.0.2.7"),
        ("10.1.1.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.1.1.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        ("10.1.1.1", ["198.51.100.1", "203.0.113.9, 10.2.2.2"], "203.0.113.9"),
        ("10.1.1.1", ["203.0.113.9, nonsense, 10.2.2.2"], "10.2.2.2"),
        ("10.1.1.1", [], "10.1.1.1"),
        ("10.1.1.1", [""], "10.1.1.1"),
        ("fd00::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("::ffff:127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
    ],
)
def test_a_trusted_proxy_says_who_asks_and_nobody_else(peer: str, forwarded: list[str], address: str) -> None:
    assert client_address(scope(peer, *forwarded), PROXIES) == address


@given(st.text(st.characters(max_codepoint=255)))
def test_whatever_stands_in_front_of_what_a_proxy_wrote_changes_nothing(invented: str) -> None:
    assert client_address(scope("10.1.1.1", invented, "203.0.113.9"), PROXIES) == "203.0.113.9"


def test_a_list_of_networks_is_checked() -> None:
    assert check_networks("10.0.0.0/8, ::1,") == "10.0.0.0/8, ::1,"
    for wrong in ("nonsense", "10.0.0.1/8", "1.2.3"):
        with pytest.raises(ValueError, match="must be networks"):
            check_networks(wrong)
