"""`python -m gateway run --embedded`, as a real process."""

import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from schema.graphql.schema import create_schema
from tests.conftest import free_port
from tests.gateway.process import Running, finished, running
from tests.gateway.test_home import HOME

EMBEDDED = ("gateway", "run", "--embedded")
SECONDS_TO_STOP = 20.0


@contextmanager
def embedded(folder: Path, **settings: str) -> Iterator[tuple[Running, str]]:
    """The process, ready to be asked, and its address."""
    port = free_port()
    known = {"PORT": str(port), "DATA": str(folder / "data"), **settings}
    with running(EMBEDDED, known, folder / "output.txt") as process:
        process.wait_for(f"http://127.0.0.1:{port}/readyz")
        yield process, f"http://127.0.0.1:{port}"


def ask(url: str, query: str, token: str | None = None) -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.post(f"{url}/graphql", json={"query": query}, headers=headers, timeout=60).json()


def rows_of_accounts(output: str) -> list[list[str]]:
    """The cells of the table, below its heading."""
    lines = [line for line in output.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def test_it_tells_how_long_it_took_where_it_is_and_who_may_sign_in_and_answers(tmp_path: Path) -> None:
    with embedded(tmp_path) as (process, url):
        output = process.output
        accounts = rows_of_accounts(output)
        assert [row[:3] for row in accounts] == [
            ["ada", "PERSONAL", "atrium-demo"],
            ["bo", "CREATOR", "atrium-demo"],
            ["corp", "BUSINESS", "atrium-demo"],
            ["sam", "STAFF", "atrium-demo"],
        ]
        places = [
            re.search(pattern, output)
            for pattern in (r"Atrium started in \d+\.\d\d s", rf"{url}/graphql", rf"{url}/readyz", "Demo accounts")
        ]
        starts = [place.start() for place in places if place]
        assert len(starts) == 4
        assert starts == sorted(starts)
        for handle, kind, _, token in accounts:
            viewer = ask(url, HOME, token)["data"]["viewer"]
            assert (viewer["account"]["handle"], viewer["type"]) == (handle, kind)
        assert process.stop()[0] == 0  # Until then the last line may be on its way.
        lines = process.log()
        assert [line["viewer"] for line in lines if line.get("path") == "/graphql"] == [row[1] for row in accounts]
        assert output.index("Demo accounts") < process.output.index('{"')
        assert all(token not in str(lines) for *_, token in accounts)
    assert "Traceback" not in process.output
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_a_second_start_on_the_same_data_keeps_what_was_changed(tmp_path: Path) -> None:
    with embedded(tmp_path) as (process, url):
        token = rows_of_accounts(process.output)[1][3]
        ask(url, 'mutation { publishActivity(input: {kind: POST, text: "kept"}) { id } }', token)
        assert process.stop(signal.SIGTERM)[0] == 0
    query = "{ viewer { home { ... on CreatorHome { ownActivities(first: 2) { edges { node { text } } } } } } }"
    with embedded(tmp_path) as (process, url):
        edges = ask(url, query, token)["data"]["viewer"]["home"]["ownActivities"]["edges"]
    assert edges[0]["node"]["text"] == "kept"
    assert edges[1]["node"]["text"] != "kept"


def test_two_processes_do_not_share_their_data(tmp_path: Path) -> None:
    with embedded(tmp_path) as (_, url):
        result = finished(EMBEDDED, {"PORT": str(free_port()), "DATA": str(tmp_path / "data")})
        assert result.returncode == 1
        expected = f"atrium: {tmp_path}/data is in use by another process: stop it, or set ATRIUM_DATA\n"
        assert (result.stdout, result.stderr) == ("", expected)
        assert ask(url, "{ viewer { type } }") == {"data": {"viewer": {"type": "GUEST"}}}


def test_ctrl_c_under_load_ends_cleanly_and_soon(tmp_path: Path) -> None:
    with embedded(tmp_path) as (process, url), keeping_busy(url) as answered, held_connection(url):
        assert answered.wait(60)
        code, seconds = process.stop()
    assert (code, seconds < SECONDS_TO_STOP) == (0, True)
    assert "Traceback" not in process.output
    assert [line for line in process.log() if line["level"] == "error"] == []


@contextmanager
def keeping_busy(url: str) -> Iterator[threading.Event]:
    """Four clients that ask for the home page without a pause; the event is set once 20 answers came."""
    answered, over = threading.Event(), threading.Event()
    answers = []

    def ask_on() -> None:
        with httpx.Client(timeout=60) as client:
            while not over.is_set():
                with suppress(httpx.HTTPError):
                    answers.append(client.post(f"{url}/graphql", json={"query": HOME}).status_code)
                if len(answers) > 20:
                    answered.set()

    threads = [threading.Thread(target=ask_on) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield answered
    finally:
        over.set()
        for thread in threads:
            thread.join()


@contextmanager
def held_connection(url: str) -> Iterator[None]:
    """A connection that asked once and is kept open."""
    with httpx.Client() as client:
        client.get(f"{url}/livez")
        yield


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = finished(EMBEDDED, {"PORT": str(port), "DATA": str(tmp_path / "data")})
    assert result.returncode == 1
    assert result.stderr == f"atrium: cannot listen on 127.0.0.1:{port}: address already in use\n"
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"PROT": "8000"}, "atrium: unknown setting ATRIUM_PROT (did you mean ATRIUM_PORT?)"),
        ({"PORT": "eight"}, "atrium: ATRIUM_PORT: "),
        ({"DATABASE": "mysql://x/y"}, "atrium: ATRIUM_DATABASE: must be sqlite+aiosqlite:///path or "),
        ({"CACHE": "http://x"}, "atrium: ATRIUM_CACHE: must be memory:// or redis://host:port/number"),
        ({"ADDRESSES__BANNER": "nowhere"}, "atrium: ATRIUM_ADDRESSES__BANNER: must be unix:/path or host:port"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_clear_line(settings: dict[str, str], line: str) -> None:
    result = finished(EMBEDDED, settings)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1


def test_a_store_that_cannot_be_opened_stops_the_start_with_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    result = finished(EMBEDDED, {"PORT": str(free_port()), "DATA": str(tmp_path / "data")})
    assert result.returncode == 1
    assert result.stderr == f"atrium: cannot make the folder {tmp_path}/data: file exists\n"


def test_a_manifest_that_cannot_be_read_stops_the_start_with_one_clear_line(tmp_path: Path) -> None:
    missing = tmp_path / "documents.json"
    result = finished(("gateway", "run"), {"PORT": str(free_port()), "DOCUMENTS": str(missing)})
    assert result.returncode == 1
    assert result.stderr == f"atrium: {missing}: cannot be read: no such file or directory\n"


def test_the_schema_is_printed() -> None:
    result = finished(("gateway", "schema"))
    assert (result.returncode, result.stdout) == (0, create_schema().as_str() + "\n")
