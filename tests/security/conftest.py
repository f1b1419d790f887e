"""One town for all tests: opening it takes longer than asking in it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conftest import HandClock
from tests.security.town import Town, open_town


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with open_town(tmp_path_factory.mktemp("town"), HandClock()) as opened:
        yield opened
