"""GraphiQL, served by the gateway itself: its page, its files, and example operations; nothing from another host."""

import hashlib
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

HERE = Path(__file__).parent
STATIC = HERE / "static"
ENDPOINT = "/graphql"
EXAMPLES = ("home", "profile", "feed", "live", "sign_in", "publish")
"""The tabs of a first visit, in order: `examples/<name>.graphql`, its variables beside it in `<name>.json`."""
POLICY = "; ".join(
    (
        "default-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # The editor writes style attributes and a style element.
        "font-src data:",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The page's Content-Security-Policy: scripts from here alone, none inline, and no word to another host."""
YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Persona:
    """A demo account that the page can act as."""

    handle: str
    account_type: str
    """Name of the account type: `PERSONAL`."""
    token: str = field(repr=False)
    """Session token that the page sends as `Authorization: Bearer …`."""


@dataclass(frozen=True, slots=True)
class Example:
    """An operation that a first visit shows in a tab of its own."""

    query: str
    variables: str
    """A JSON object; empty where the operation takes none."""


class _Unchanging(StaticFiles):
    """Files whose path changes with their content: a browser asks for each once."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = YEAR
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def routes(endpoint: str = ENDPOINT) -> list[BaseRoute]:
    """The routes of the files that the page loads; they must stand before a catch-all."""
    return [Mount(_static_path(endpoint), _Unchanging(directory=STATIC), name="graphiql")]


def page(personas: Sequence[Persona] = (), endpoint: str = ENDPOINT) -> Response:
    """The page for a browser's GET of the endpoint; without personas it has no switcher and nobody's token."""
    content = Template(_read("page.html")).substitute(
        endpoint=html.escape(endpoint),
        static=html.escape(_static_path(endpoint)),
        settings=_settings(personas, endpoint),
    )
    headers = {
        "Content-Security-Policy": POLICY,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept",
    }
    return HTMLResponse(content, headers=headers)


@cache
def examples() -> dict[str, Example]:
    """The example operations by name, in the order of their tabs."""
    return {name: Example(_example(f"{name}.graphql"), _example(f"{name}.json")) for name in EXAMPLES}


@cache
def digest(folder: Path = STATIC) -> str:
    """Short hash of the name and content of every file in the folder."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(path.relative_to(folder).as_posix().encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:12]


def _static_path(endpoint: str) -> str:
    return f"{endpoint}/static/{digest()}"


def _settings(personas: Sequence[Persona], endpoint: str) -> str:
    people = [{"handle": each.handle, "type": each.account_type, "token": each.token} for each in personas]
    tabs = [{"query": each.query, "variables": each.variables} for each in examples().values()]
    # In a script element only "<" could end the data early.
    return json.dumps({"endpoint": endpoint, "personas": people, "tabs": tabs}).replace("<", "\\u003c")


def _example(name: str) -> str:
    path = HERE / "examples" / name
    return path.read_text("utf-8").strip() if path.exists() else ""


@cache
def _read(name: str) -> str:
    return (HERE / name).read_text("utf-8")
