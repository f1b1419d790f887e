"""A real browser without a network, and a person at GraphiQL in it."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page, Request, Response, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
PATIENCE = 60_000
"""Milliseconds that a step may take."""
EDITORS = {
    "query": ".graphiql-query-editor .CodeMirror",
    "variables": ".graphiql-editor-tool .graphiql-editor:nth-child(1) .CodeMirror",
    "headers": ".graphiql-editor-tool .graphiql-editor:nth-child(2) .CodeMirror",
    "result": ".graphiql-response .CodeMirror",
}
UNDERSTOOD = """editor => {
    const { CodeMirror: shown } = document.querySelector(editor);
    const name = /^(?:query|mutation|subscription) (\\w+)/m.exec(shown.getValue())?.[1] ?? null;
    return shown.operations && shown.operationName === name;
}"""
"""The editor reads a changed operation a moment later; until then it would run the old name."""


def chromium() -> str | None:
    """Path of an installed browser."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def open_browser(executable: str) -> Iterator[Browser]:
    """A headless browser that reaches this machine alone: no other name or address leads anywhere."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Desk:
    """GraphiQL in a browser tab, and somebody who uses it."""

    page: Page
    gateway: str
    strangers: list[str] = field(default_factory=list)
    """Every address of another host that the page asked for; what its policy refuses is never asked."""
    complaints: list[str] = field(default_factory=list)
    """Everything that the browser's console calls an error or a warning."""

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.on("requestfinished", self._look_at)
        self.page.on("requestfailed", self._look_at)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda line: self._listen(line.type, line.text))

    def open(self) -> None:
        """Loads the page and waits until GraphiQL knows the schema."""
        with self.page.expect_response(_is_introspection):
            self.page.goto(f"{self.gateway}/graphql")
        self.page.get_by_role("button", name="Execute query").wait_for()

    def choose(self, persona: str) -> None:
        """Acts as that persona from now on."""
        people = self.page.get_by_role("group", name="View as")
        people.get_by_role("radio", name=re.compile(rf"^{persona}\b")).check()

    def chosen(self) -> str:
        """Handle and account type of the active persona, as shown."""
        return self.page.locator(".persona:has(:checked)").inner_text().replace("\n", " ")

    def open_tab(self, name: str) -> None:
        """Goes to the tab of an operation."""
        self.page.get_by_role("tab", name=name, exact=True).click()

    def tabs(self) -> list[str]:
        """Names of the open tabs, in order."""
        return self.page.get_by_role("tab").all_inner_texts()

    def write(self, editor: str, text: str) -> None:
        """Replaces what stands in the editor: `query`, `variables` or `headers`."""
        script = "([editor, text]) => document.querySelector(editor).CodeMirror.setValue(text)"
        self.page.evaluate(script, [EDITORS[editor], text])

    def run(self) -> dict[str, Any]:
        """Presses Ctrl-Enter in the query; answers what the result shows then."""
        with self.page.expect_response(lambda response: response.request.method == "POST") as waiting:
            self.press_run()
        answer: dict[str, Any] = waiting.value.json()
        script = "([editor, wanted]) => document.querySelector(editor).CodeMirror.getValue() === wanted"
        self.page.wait_for_function(script, arg=[EDITORS["result"], _printed(answer)])
        return answer

    def press_run(self) -> None:
        """Presses Ctrl-Enter in the query once it is understood."""
        self.page.wait_for_function(UNDERSTOOD, arg=EDITORS["query"])
        self.page.locator(EDITORS["query"]).locator("textarea").press("Control+Enter")

    def _look_at(self, request: Request) -> None:
        of_ours = request.url.startswith((f"{self.gateway}/", "data:", "blob:"))
        if not of_ours and request.failure != "csp":
            self.strangers.append(request.url)

    def _listen(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.complaints.append(text)


def operation(request: Request) -> dict[str, Any]:
    """The GraphQL request in a POST."""
    content: dict[str, Any] = json.loads(request.post_data or "{}")
    return content


def _is_introspection(response: Response) -> bool:
    return operation(response.request).get("operationName") == "IntrospectionQuery"


def _printed(answer: dict[str, Any]) -> str:
    """The answer as GraphiQL prints it."""
    return json.dumps(answer, indent=2, ensure_ascii=False)
