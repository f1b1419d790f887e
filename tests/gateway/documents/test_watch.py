"""Manifests that change while the gateway serves."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.body import Operation
from gateway.documents import Registry, manifest
from gateway.documents.watch import ManifestWatch
from schema import errcode

NEVER = 3600.0


@asynccontextmanager
async def watching(path: Path, look_seconds: float = 0.01) -> AsyncIterator[Registry]:
    registry = Registry(manifest.load(path), only=True, automatic=False)
    watch = ManifestWatch(path, registry, look_seconds)
    async with asyncio.TaskGroup() as group:
        group.create_task(watch.serve())
        await asyncio.sleep(0)
        yield registry
        await watch.stop(0)


async def until_found(registry: Registry, document_id: str) -> None:
    """Returns once the registry knows the document."""
    async with asyncio.timeout(60):
        while True:
            try:
                registry.resolve(Operation("", {}, None, document_id=document_id))
            except errcode.InvalidOperation:
                await asyncio.sleep(0.001)
            else:
                return


async def until_logged(logs: Sequence[object]) -> None:
    async with asyncio.timeout(60):
        while not logs:  # noqa: ASYNC110 - the log is a list.
            await asyncio.sleep(0.001)


def write(path: Path, *ids: str) -> Path:
    """Puts a manifest in place of what is there, at once."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps({each: f"query {each} {{ viewer {{ type }} }}" for each in ids}))
    new.replace(path)
    return path


async def test_a_manifest_that_is_replaced_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "manifest.json", "a")
    with capture_logs() as logs:
        async with watching(path) as registry:
            write(path, "a", "b")
            await until_found(registry, "b")
    assert logs == [{"event": "documents reloaded", "log_level": "info", "documents": 2}]


async def test_a_manifest_that_is_added_to_a_folder_is_read_too(tmp_path: Path) -> None:
    write(tmp_path / "a.json", "a")
    async with watching(tmp_path) as registry:
        write(tmp_path / "b.json", "b")
        await until_found(registry, "b")
        await until_found(registry, "a")


async def test_a_signal_has_it_read_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "manifest.json", "a")
    async with watching(path, NEVER) as registry:
        write(path, "b")
        os.kill(os.getpid(), signal.SIGHUP)
        await until_found(registry, "b")


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("{"), lambda path: path.unlink()])
async def test_a_manifest_that_cannot_be_read_changes_nothing_until_it_can_be(tmp_path: Path, spoil: Any) -> None:
    path = write(tmp_path / "manifest.json", "a")
    with capture_logs() as logs:
        async with watching(path) as registry:
            spoil(path)
            await until_logged(logs)
            await until_found(registry, "a")
            write(path, "b")
            await until_found(registry, "b")
    assert [line["event"] for line in logs] == ["documents not reloaded", "documents reloaded"]
    assert "manifest.json" in logs[0]["problem"]
