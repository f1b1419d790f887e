"""Takes the picture in the README: `python -m tests.gateway.graphiql.screenshot`."""

import sys
import tempfile
from pathlib import Path

from tests.gateway.graphiql.browser import EDITORS, Desk, chromium, open_browser
from tests.gateway.graphiql.process import running_gateway
from tests.gateway.process import ROOT

PICTURE = ROOT / "docs" / "images" / "graphiql.png"
FOLD = """([editor, start]) => {
    const { CodeMirror: shown } = document.querySelector(editor);
    shown.foldCode(shown.getValue().split("\\n").findIndex(line => line.trim().startsWith(start)));
}"""


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
        desk.run()  # Once more, for the time of a gateway that has warmed up.
        desk.page.get_by_role("button", name="Hide editor tools").click()
        for start in ('"features"', '"banners"'):
            desk.page.evaluate(FOLD, [EDITORS["result"], start])
        desk.page.evaluate("document.activeElement.blur()")
        desk.page.mouse.move(400, 20)
        desk.page.locator(".graphiql-response .CodeMirror-foldgutter-folded").nth(1).wait_for()
        desk.page.screenshot(path=PICTURE, animations="disabled")


if __name__ == "__main__":
    take(chromium() or sys.exit("chromium is missing: apt-get install chromium"))
