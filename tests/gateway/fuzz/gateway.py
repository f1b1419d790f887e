"""The gateway that is asked, as a process; and what its answers must be like, whatever was asked."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from hypothesis import HealthCheck, settings

from schema.errcode import CATALOGUE, Internal
from tests.conftest import free_port
from tests.gateway.process import Running, running

INSIDE = re.compile(
    r"Traceback|\.py\b|site-packages|grpc|sqlalchemy|sqlite|psycopg|redis|strawberry|graphql-core|pydantic|starlette"
    r"|uvicorn|asyncio|_pb2|object at|Exception\b|SELECT .* FROM|unix:|/tmp/|127\.0\.0\.1|0x[0-9a-f]{6}"
)
"""What only the inside of the gateway would say."""
HANDLES = ("ada", "bo", "corp", "sam")


class Gateway:
    """The process, and who is signed in."""

    def __init__(self, process: Running, address: str, http: httpx.Client) -> None:
        self.process = process
        self.address = address
        """`host:port`."""
        self.http = http
        self.tokens = [None, "nobody's", *map(self._sign_in, HANDLES)]

    def failures(self) -> list[dict[str, Any]]:
        """What the gateway complained of so far."""
        return [line for line in self.process.log() if line.get("level") in ("error", "critical")]

    def _sign_in(self, handle: str) -> str:
        query = f'mutation {{ signIn(handle: "{handle}", password: "atrium-demo") {{ token }} }}'
        answer = self.http.post("/graphql", json={"query": query}).json()
        return str(answer["data"]["signIn"]["token"])


@contextmanager
def open_gateway(folder: Path) -> Iterator[Gateway]:
    """A gateway of our own, with demo data."""
    port = free_port()
    known = {"PORT": str(port), "DATA": str(folder / "data"), "RATES__SIGN_INS_ADDRESS": "off"}
    with running(["gateway", "run", "--embedded"], known, folder / "gateway.log") as process:
        process.wait_for(f"http://127.0.0.1:{port}/readyz")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            yield Gateway(process, f"127.0.0.1:{port}", http)


def tried(examples: int, *, always_the_same: bool) -> settings:
    """How often a property is tried."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=always_the_same,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def check(status: int, text: str, asked: str = "") -> None:
    """The answer is one of GraphQL, no failure of this side, and says nothing of the inside that was not asked."""
    assert status < 500, text
    found = INSIDE.search(text)
    assert not found or found[0] in asked, text


def check_errors(errors: list[dict[str, Any]]) -> None:
    """Each has a code of the catalogue, and none is ours."""
    for error in errors:
        told = CATALOGUE[error["extensions"]["reason"]]
        assert told.code == error["extensions"]["code"]
        assert told is not Internal
