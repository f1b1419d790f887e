"""Reads manifests again when they change, or when the process is sent SIGHUP: without a restart, and never half."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import structlog

from gateway.documents import manifest
from gateway.documents.manifest import ManifestError
from gateway.documents.trusted import Registry

LOOK_SECONDS = 1.0
"""How often it is looked whether a manifest has changed."""
_log = structlog.get_logger(__name__)


class ManifestWatch:
    """Keeps a registry at what stands in the manifests at a path; a `lifecycle.Server`."""

    def __init__(self, path: Path, registry: Registry, look_seconds: float = LOOK_SECONDS) -> None:
        self._path = path
        self._registry = registry
        self._look_seconds = look_seconds
        self._seen = self._state()
        self._woken = asyncio.Event()
        self._stopping = False

    async def serve(self) -> None:
        """Looks again and again until stopped."""
        with self._waking_by_signal():
            while not self._stopping:
                self._look()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), self._look_seconds)

    async def stop(self, grace: float) -> None:
        """Looks no more."""
        self._stopping = True
        self._woken.set()

    def _look(self) -> None:
        state = self._state()
        if self._woken.is_set() or state != self._seen:
            self._woken.clear()
            self._seen = state
            self._reload()

    def _reload(self) -> None:
        """A manifest that cannot be read changes nothing."""
        try:
            texts = manifest.load(self._path)
        except ManifestError as error:
            _log.error("documents not reloaded", problem=str(error))
        else:
            self._registry.trust(texts)
            _log.info("documents reloaded", documents=len(texts))

    def _state(self) -> list[tuple[str, int, int, int]]:
        """What differs when a file was written, replaced, added or removed."""
        found = []
        for path in manifest.files(self._path):
            with contextlib.suppress(OSError):
                status = path.stat()
                found.append((str(path), status.st_mtime_ns, status.st_size, status.st_ino))
        return found

    @contextlib.contextmanager
    def _waking_by_signal(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        try:
            loop.add_signal_handler(signal.SIGHUP, self._woken.set)
        except (RuntimeError, ValueError):  # Not in the main thread: the files are looked at all the same.
            yield
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
