"""A process that runs all backends on sockets of its own: its data folder is its alone, and tells commands of it."""

import fcntl
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.runtime.addresses import socket_path
from services.runtime.lifecycle import StartError
from services.runtime.settings import Addresses, Settings, SettingsT

NOTE = "addresses.json"
"""Lies in the data folder as long as the process lives."""
LOCK = "in-use"


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """The data folder belongs to this process meanwhile; StartError when it is another's, which the system knows."""
    try:
        file = (folder / LOCK).open("ab")
    except OSError as error:
        raise StartError.of(f"cannot write {folder / LOCK}", error) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartError(f"{folder} is in use by another process: stop it, or set ATRIUM_DATA") from error
        yield


@contextmanager
def note_left(settings: Settings) -> Iterator[None]:
    """The note says meanwhile where the backends of this process are."""
    note = settings.data / NOTE
    note.write_text(settings.addresses.model_dump_json())
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def as_found(settings: SettingsT) -> SettingsT:
    """The settings with the addresses of the note, unless they name addresses themselves or nobody lives there."""
    if "addresses" in settings.model_fields_set:
        return settings
    addresses = _noted(settings.data / NOTE)
    if addresses is None or not _is_alive(addresses.account):
        return settings
    return settings.model_copy(update={"addresses": addresses})


def _noted(note: Path) -> Addresses | None:
    try:
        return Addresses(**json.loads(note.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _is_alive(address: str) -> bool:
    path = socket_path(address)
    with socket.socket(socket.AF_UNIX) as probe:
        return path is not None and probe.connect_ex(str(path)) == 0
