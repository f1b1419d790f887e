"""Takes the picture in the README: `python -m tests.gateway.graphiql.screenshot`."""

import sys
import tempfile
from pathlib import Path

from tests.gateway.graphiql.browser import Desk, chromium, open_browser
from tests.gateway.graphiql.process import ROOT, running_gateway

PICTURE = ROOT / "docs" / "images" / "graphiql.png"


def take(executable: str) -> None:
    """Writes the picture of ada's home."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_gateway(Path(folder)) as gateway,
        open_browser(executable) as browser,
        browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light") as context,
    ):
        desk = Desk(context.new_page(), gateway)
        desk.open()
        desk.choose("ada")
        desk.run()
        desk.page.mouse.move(900, 400)
        desk.page.screenshot(path=PICTURE, animations="disabled")


if __name__ == "__main__":
    take(chromium() or sys.exit("chromium is missing: apt-get install chromium"))
