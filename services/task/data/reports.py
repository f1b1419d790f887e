"""Who gets reports: a folder, or an HTTP endpoint."""

import asyncio
import csv
import hashlib
import io
import os
import uuid
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from services.task.biz import Refused, Report

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

HEADER = ("account_id", "kind", "count")


def document(report: Report) -> bytes:
    """The report as JSON; the same roll-up gives the same bytes."""
    content: dict[str, Any] = {
        "period": report.period.span.value,
        "starts_at": report.period.starts_at,
        "ends_at": report.period.ends_at,
        "accounts": report.accounts,
        "kinds": dict(report.kinds),
        "rows": [{name: getattr(row, name) for name in HEADER} for row in report.rows],
    }
    return orjson.dumps(content, option=orjson.OPT_UTC_Z)


def table(report: Report) -> bytes:
    """The rows of the report as CSV."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows([getattr(row, name) for name in HEADER] for row in report.rows)
    return written.getvalue().encode()


class FileReports:
    """Puts reports into a folder: `<span>/<period>.json` and `.csv`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def deliver(self, report: Report) -> str:
        """The path of the JSON file; each file appears whole, in the place of an earlier one."""
        return await asyncio.to_thread(self._write, report)

    def _write(self, report: Report) -> str:
        place = self._folder / report.period.span.value
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"{report.period}.json"
        _replace(path.with_suffix(".csv"), table(report))
        _replace(path, document(report))
        return str(path)


def _replace(path: Path, content: bytes) -> None:
    # Several may write the same report at once: each has a draft of its own.
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with draft.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


class HttpReports:
    """Posts reports to an endpoint."""

    def __init__(self, url: str, open_client: "Callable[[], AbstractAsyncContextManager[httpx.AsyncClient]]") -> None:
        """`open_client` gives a client that tries again where that can help."""
        self._url = url
        self._open_client = open_client

    async def deliver(self, report: Report) -> str:
        """`POST` and the status. The same content has the same Idempotency-Key, so that it counts once over there."""
        content = document(report)
        headers = {"content-type": "application/json", "idempotency-key": idempotency_key(report, content)}
        async with self._open_client() as client:
            reply = await client.post(self._url, content=content, headers=headers)
        if reply.is_success:
            return f"POST {reply.status_code}"
        problem = f"the report endpoint answered {reply.status_code}"
        raise (ReportNotTaken if is_passing(reply.status_code) else Refused)(problem)


class ReportNotTaken(Exception):
    """The endpoint does not take the report at the moment."""


def is_passing(status: int) -> bool:
    """Whether an answer with this status may be another one soon."""
    return status in (408, 425, 429) or status >= 500


def idempotency_key(report: Report, content: bytes) -> str:
    """Names the period and the content."""
    digest = hashlib.sha256(content).hexdigest()[:32]
    return f"rollup-{report.period.span}-{report.period}-{digest}"
