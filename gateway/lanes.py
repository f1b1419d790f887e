"""Lanes: which variant of the services is to work on a request, as whoever sends it asks in a header."""

import re
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from services.runtime.lane import LANE_LENGTH, in_lane

HEADER = "x-atrium-lane"
_NAME = re.compile(rf"[a-z0-9-]{{1,{LANE_LENGTH}}}")


def names(setting: str) -> Sequence[str]:
    """The names in a setting."""
    return [name.strip() for name in setting.split(",")] if setting else []


def check_lanes(setting: str) -> str:
    """The setting as it is, when all in it are names of lanes."""
    if not all(map(_NAME.fullmatch, names(setting))):
        raise ValueError("must be names of small letters, digits and hyphens, after commas")
    return setting


class Lanes:
    """Has all that is done for a request belong to its lane; one that nobody knows is answered as usual."""

    def __init__(self, app: ASGIApp, known: Sequence[str]) -> None:
        self._app = app
        self._known = {name.encode(): name for name in known}
        self._header = HEADER.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or one connection of a WebSocket."""
        wanted = next((value for name, value in scope.get("headers", ()) if name == self._header), b"")
        with in_lane(self._known.get(wanted, "")):
            await self._app(scope, receive, send)
