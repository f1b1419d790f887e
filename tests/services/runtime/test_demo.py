"""Demo data goes into empty stores only, all of a backend's or nothing."""

from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, func, insert, select

from services.backends import BACKENDS
from services.runtime.backend import Backend, Demo, Resources
from services.runtime.demo import is_empty, load_demo
from services.runtime.migrate import migrate
from services.runtime.serving import open_all
from services.runtime.settings import Settings
from tests.conftest import MakeResources
from tests.services.runtime.servicers import backend_that

ROWS = 10


@pytest.fixture
def stack() -> str:
    return "embedded"


def backend_with(name: str) -> Backend:
    """A backend of one table, whose demo data are as many rows as there are accounts."""
    tables = MetaData()
    table = Table(name, tables, Column("id", Integer, primary_key=True))

    async def fill(resources: Resources, demo: Demo) -> None:
        async with resources.database.transaction() as session:
            await session.execute(insert(table), [{"id": number} for number in range(demo.accounts)])
        for _ in range(2):
            demo.report(demo.accounts // 2)

    plain = backend_that()
    return Backend(
        name=name,
        service=plain.service,
        metadata=tables,
        attach=plain.attach,
        load_demo=fill,
        count_demo=lambda demo: demo.accounts,
    )


async def rows(backend: Backend, resources: Resources) -> int:
    [table] = backend.metadata.sorted_tables
    async with resources.database.read() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_empty_stores_are_filled_and_progress_is_told(make_resources: MakeResources) -> None:
    first, second = backend_with("first"), backend_with("second")
    stores = {backend: await make_resources(backend.metadata) for backend in (first, second)}
    told: list[tuple[str, int, int]] = []
    filled = await load_demo(stores, ROWS, lambda *progress: told.append(progress))
    assert filled == ["first", "second"]
    assert told == [("first", 5, 10), ("first", 10, 10), ("second", 5, 10), ("second", 10, 10)]
    assert [await rows(backend, lent) for backend, lent in stores.items()] == [ROWS, ROWS]


async def test_a_store_with_rows_is_left_as_it_is(make_resources: MakeResources) -> None:
    first, second = backend_with("first"), backend_with("second")
    stores = {backend: await make_resources(backend.metadata) for backend in (first, second)}
    await load_demo({first: stores[first]}, 3)
    assert await load_demo(stores, ROWS) == ["second"]
    assert [await rows(backend, lent) for backend, lent in stores.items()] == [3, ROWS]


async def test_every_backend_reports_as_many_rows_as_it_announced(tmp_path: Path) -> None:
    async with open_all(BACKENDS.values(), Settings(data=tmp_path)) as stores:
        for backend, lent in stores.items():
            await migrate(backend, lent.database)
        last: dict[str, tuple[int, int]] = {}
        await load_demo(stores, 100, lambda name, done, total: last.update({name: (done, total)}))
        assert {name: done for name, (done, _) in last.items()} == {name: total for name, (_, total) in last.items()}
        assert [await is_empty(backend, lent) for backend, lent in stores.items()] == [False] * len(BACKENDS)
