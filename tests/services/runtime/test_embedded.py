"""Commands find the backends of a process that runs them all."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.runtime.embedded import NOTE, as_found, note_left
from services.runtime.settings import Addresses, Settings


@pytest.fixture
def sockets() -> Iterator[Addresses]:
    """Addresses at one of which somebody listens."""
    # pytest's own folders are too deep: the path of a unix socket ends at 107 bytes.
    with tempfile.TemporaryDirectory(prefix="atrium-") as folder, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/account")
        listening.listen()
        yield Addresses.sockets(folder)


def test_the_note_is_found_while_the_process_lives(sockets: Addresses, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with note_left(settings.model_copy(update={"addresses": sockets})):
        assert as_found(settings).addresses == sockets
    assert as_found(settings) == settings
    assert not list(tmp_path.iterdir())


def test_addresses_that_are_set_count_more(sockets: Addresses, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, addresses=Addresses(account="127.0.0.1:9"))
    with note_left(settings.model_copy(update={"addresses": sockets})):
        assert as_found(settings) == settings


def test_the_note_of_a_process_that_died_is_nothing(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    (tmp_path / NOTE).write_text(Addresses.sockets(tmp_path).model_dump_json())
    assert as_found(settings) == settings


@pytest.mark.parametrize("content", ["", "[]", "{", '{"account": 3}', '{"nobody": "unix:/x"}', "null"])
def test_a_note_that_is_none_is_nothing(content: str, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    (tmp_path / NOTE).write_text(content)
    assert as_found(settings) == settings
