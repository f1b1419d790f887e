"""An address is taken only when it is free, and a socket file belongs to its owner."""

import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.runtime.addresses import claimed, release
from services.runtime.lifecycle import StartError
from services.runtime.web import listen


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose name is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="atrium-") as made:
        yield Path(made)


def bind(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    return listening


def test_a_socket_file_is_private_and_goes_at_the_end(folder: Path) -> None:
    path = folder / "banner"
    with claimed(f"unix:{path}"):
        listening = bind(path)
    with listening:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    release(f"unix:{path}")
    assert list(folder.iterdir()) == []


def test_the_socket_of_a_living_process_is_left_alone(folder: Path) -> None:
    path = folder / "banner"
    message = f"^cannot listen on unix:{path}: address already in use$"
    with bind(path), pytest.raises(StartError, match=message), claimed(f"unix:{path}"):
        pytest.fail("it was not free")
    assert path.is_socket()


def test_the_socket_of_a_dead_process_is_replaced(folder: Path) -> None:
    path = folder / "banner"
    bind(path).close()
    with claimed(f"unix:{path}"):
        assert not path.exists()


def test_a_file_that_is_no_socket_is_left_alone(folder: Path) -> None:
    path = folder / "banner"
    path.write_text("letters")
    with pytest.raises(StartError, match="address already in use"), claimed(f"unix:{path}"):
        pytest.fail("it was not free")
    assert path.read_text() == "letters"


def test_a_socket_needs_a_folder(folder: Path) -> None:
    address = f"unix:{folder}/nowhere/banner"
    with pytest.raises(StartError, match=f"^cannot listen on {address}: no such file or directory$"), claimed(address):
        pytest.fail("there is no folder")


def test_a_port_that_is_taken_is_refused() -> None:
    with listen("127.0.0.1", 0) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(StartError, match=f"^cannot listen on {address}: address already in use$"), claimed(address):
            pytest.fail("it was not free")


def test_a_host_that_is_not_here_is_refused() -> None:
    with pytest.raises(StartError, match=r"^cannot listen on 192\.0\.2\.1:7101: "), claimed("192.0.2.1:7101"):
        pytest.fail("it is not here")


def test_what_grpc_cannot_take_is_one_line(folder: Path) -> None:
    address = f"unix:{folder}/banner"
    with pytest.raises(StartError, match=f"^cannot listen on {address}$"), claimed(address):
        raise RuntimeError("Failed to bind; set GRPC_VERBOSITY=debug")


def test_releasing_a_port_removes_nothing() -> None:
    release("127.0.0.1:7101")
