"""One gateway and one browser for all tests here; a fresh visitor for each."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext

from tests.conftest import missing
from tests.gateway.graphiql.browser import Desk, chromium, open_browser
from tests.gateway.graphiql.process import running_gateway


@pytest.fixture(scope="module")  # No longer: while it is open, no asynchronous test can run on this thread.
def browser() -> Iterator[BrowserContext]:
    """A browser that reaches this machine alone; it keeps the files of the page, which makes the tests fast."""
    executable = chromium()
    if executable is None:
        missing("chromium", "apt-get install chromium")
    with open_browser(str(executable)) as opened:
        yield opened.new_context(viewport={"width": 1280, "height": 800})


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the embedded gateway, running."""
    with running_gateway(tmp_path_factory.mktemp("gateway")) as address:
        yield address


@pytest.fixture
def desk(browser: BrowserContext, gateway: str) -> Iterator[Desk]:
    """GraphiQL as a first visitor finds it; afterwards nobody else was asked and the console is quiet."""
    with browser.new_page() as page:
        desk = Desk(page, gateway)
        desk.open()
        yield desk
        page.evaluate("localStorage.clear()")
    assert desk.strangers == []
    assert desk.complaints == []
