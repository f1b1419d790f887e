"""Whatever is asked of a real gateway is answered or refused by a code of the catalogue; it never tells of itself."""

from collections.abc import Iterator

import pytest

from tests.gateway.fuzz import over_http, over_streams
from tests.gateway.fuzz.gateway import Gateway, open_gateway, tried

PROPERTIES = {one.__name__: one for one in (*over_http.PROPERTIES, *over_streams.PROPERTIES)}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with open_gateway(tmp_path_factory.mktemp("fuzz")) as opened:
        yield opened


@pytest.mark.parametrize("name", PROPERTIES)
def test_nothing_that_is_asked_makes_it_fail(gateway: Gateway, name: str) -> None:
    PROPERTIES[name](gateway, tried(60, always_the_same=True))
    assert gateway.failures() == []
    assert gateway.http.get("/livez").status_code == 200
