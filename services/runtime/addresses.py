"""Taking an address for a gRPC server. gRPC itself would take a unix socket from a living process without a word."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from services.runtime.lifecycle import StartError

PRIVATE = 0o177
"""What the mask takes from a new socket file: all but reading and writing by its owner."""


def socket_path(address: str) -> Path | None:
    """The file of a `unix:/path` address; None for `host:port`."""
    return Path(address.removeprefix("unix:")) if address.startswith("unix:") else None


@contextmanager
def claimed(address: str) -> Iterator[None]:
    """The address is free at the beginning, and a socket file made inside is private; StartError when it is taken."""
    try:
        _probe(address)
        before = os.umask(PRIVATE)
        try:
            yield
        finally:
            os.umask(before)
    except OSError as error:
        raise StartError.of(f"cannot listen on {address}", error) from error
    except RuntimeError as error:
        raise StartError(f"cannot listen on {address}") from error


def release(address: str) -> None:
    """Removes the socket file that a server may have left."""
    if path := socket_path(address):
        path.unlink(missing_ok=True)


def _probe(address: str) -> None:
    if path := socket_path(address):
        _drop_if_dead(path)
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(str(path))
        path.unlink()
        return
    host, _, port = address.rpartition(":")
    family, kind, protocol, _, at = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(at)


def _drop_if_dead(path: Path) -> None:
    """Removes the socket file of a process that was killed."""
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.stat().st_mode):
            return
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
