"""Every backend inside this process, on stores in the data folder, with demo data: nothing else to install or start."""

import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.settings import Settings
from services.backends import BACKENDS
from services.runtime.backend import Backend, Resources
from services.runtime.demo import Progress, load_demo
from services.runtime.embedded import claimed, note_left
from services.runtime.lifecycle import Readiness, Server, StartError
from services.runtime.migrate import migrate
from services.runtime.pulse import Pulse
from services.runtime.serving import open_all, serve_backends
from services.runtime.settings import LONGEST_SOCKET_PATH, Addresses
from services.runtime.streams import open_streams
from services.runtime.telemetry import Metrics
from services.runtime.trust import Trust


@dataclass(frozen=True, slots=True)
class Embedded:
    """The backends, ready to be run."""

    servers: Sequence[Server]
    addresses: Mapping[str, str]
    """Where each backend listens, by its name."""
    trust: Trust
    """What they let callers in by."""


@asynccontextmanager
async def open_embedded(
    settings: Settings, readiness: Readiness, metrics: Metrics, on_progress: Progress
) -> AsyncIterator[Embedded]:
    """The backends on stores that are up to date and filled, each on a socket that only this user may open."""
    _make_data_folder(settings.data)
    # Two processes would neither share a cache nor hear of each other's events.
    with claimed(settings.data), tempfile.TemporaryDirectory(prefix="atrium-", dir=_short_folder()) as folder:
        settings = settings.model_copy(update={"addresses": Addresses.sockets(folder)})
        trust = Trust(settings)
        async with open_all(BACKENDS.values(), settings, metrics, trust=trust) as resources:
            await _prepare_stores(resources, settings, on_progress)
            addresses = {backend: settings.addresses.of(backend.name) for backend in resources}
            async with (
                open_streams(resources, settings.bus, metrics, complete=True) as streams,
                # Whether the loop that all share keeps up is for the gateway to say: backends that said it too would
                # only turn what waited meanwhile into failures.
                serve_backends(addresses, resources, readiness, metrics, trust, Pulse()) as servers,
            ):
                with note_left(settings):
                    named = {backend.name: address for backend, address in addresses.items()}
                    yield Embedded([*streams, servers], named, trust)


async def _prepare_stores(resources: Mapping[Backend, Resources], settings: Settings, on_progress: Progress) -> None:
    try:
        for backend, lent in resources.items():
            await migrate(backend, lent.database)
        await load_demo(resources, settings.demo_accounts, on_progress)
    except Exception as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise StartError(f"cannot prepare the stores: {reason}") from error


def _make_data_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"cannot make the folder {folder}: {(error.strerror or str(error)).lower()}") from error


def _short_folder() -> str | None:
    """Where socket files go: the system's folder for temporary files, unless its name leaves no room for theirs."""
    room = LONGEST_SOCKET_PATH - len("/atrium-12345678/") - max(map(len, BACKENDS))
    return None if len(tempfile.gettempdir()) <= room else "/tmp"  # noqa: S108
