"""Reports in a folder, and posted to an endpoint."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from services.runtime.http import open_http
from services.task.biz import Count, Period, Refused, Report, Span
from services.task.data import FileReports, HttpReports
from services.task.data.reports import ReportNotTaken

DAY = Period(Span.DAY, datetime(2026, 3, 1, tzinfo=UTC))
HOUR = Period(Span.HOUR, datetime(2026, 3, 1, 7, tzinfo=UTC))
ROWS = [Count(1, "LIKE", 5), Count(1, "POST", 2), Count(3, "LIKE", 1)]
CONTENT = {
    "period": "day",
    "starts_at": "2026-03-01T00:00:00Z",
    "ends_at": "2026-03-02T00:00:00Z",
    "accounts": 2,
    "kinds": {"LIKE": 6, "POST": 2},
    "rows": [
        {"account_id": 1, "kind": "LIKE", "count": 5},
        {"account_id": 1, "kind": "POST", "count": 2},
        {"account_id": 3, "kind": "LIKE", "count": 1},
    ],
}
URL = "https://user:secret@reports.example/rollups"


def text(path: str | Path) -> str:
    return Path(path).read_text()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def test_a_report_is_put_into_a_folder_as_json_and_csv(tmp_path: Path) -> None:
    reports = FileReports(tmp_path / "reports")
    where = await reports.deliver(Report(DAY, ROWS))
    await reports.deliver(Report(HOUR, []))
    assert files(tmp_path) == [
        "reports/day/2026-03-01.csv",
        "reports/day/2026-03-01.json",
        "reports/hour/2026-03-01T07.csv",
        "reports/hour/2026-03-01T07.json",
    ]
    assert json.loads(text(where)) == CONTENT
    assert text(where.replace(".json", ".csv")) == "account_id,kind,count\n1,LIKE,5\n1,POST,2\n3,LIKE,1\n"


async def test_a_report_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    reports = FileReports(tmp_path)
    await reports.deliver(Report(DAY, ROWS[:1]))
    where = await reports.deliver(Report(DAY, ROWS))
    assert json.loads(text(where)) == CONTENT
    assert files(tmp_path) == ["day/2026-03-01.csv", "day/2026-03-01.json"]


class Endpoint:
    """Answers with these statuses, one after the other."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.statuses.pop(0))


def posting(endpoint: Callable[[httpx.Request], httpx.Response]) -> HttpReports:
    @asynccontextmanager
    async def client() -> AsyncIterator[httpx.AsyncClient]:
        async with open_http(httpx.MockTransport(endpoint), first_pause=0) as opened:
            yield opened

    return HttpReports(URL, client)


async def test_a_report_is_posted_as_json() -> None:
    endpoint = Endpoint(201)
    assert await posting(endpoint).deliver(Report(DAY, ROWS)) == "POST 201"
    [request] = endpoint.requests
    assert (request.method, request.url.host, request.url.path) == ("POST", "reports.example", "/rollups")
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == CONTENT


async def test_the_same_report_has_the_same_key_and_another_one_has_another() -> None:
    endpoint = Endpoint(503, 200, 200, 200)
    reports = posting(endpoint)
    for rows in (ROWS, ROWS, ROWS[:1]):
        await reports.deliver(Report(DAY, rows))
    first, retried, again, other = (request.headers["idempotency-key"] for request in endpoint.requests)
    assert first == retried == again != other
    assert first.startswith("rollup-day-2026-03-01-")


@pytest.mark.parametrize("status", [400, 401, 404, 413, 422, 301])
async def test_a_report_that_is_not_wanted_is_posted_once(status: int) -> None:
    endpoint = Endpoint(status)
    with pytest.raises(Refused, match=f"^the report endpoint answered {status}$"):
        await posting(endpoint).deliver(Report(DAY, ROWS))
    assert len(endpoint.requests) == 1


async def test_an_endpoint_that_stays_busy_can_be_asked_later() -> None:
    endpoint = Endpoint(503, 503, 502, 503)
    with pytest.raises(ReportNotTaken, match="answered 503"):
        await posting(endpoint).deliver(Report(DAY, ROWS))
    assert endpoint.statuses == []
