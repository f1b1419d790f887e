"""Demo data over all backends: the same size on the same day gives the same rows."""

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy import exists, select

from services.runtime.backend import Backend, Demo, Resources, no_demo

ACCOUNTS = 240
"""How many accounts the usual demo has."""
Progress = Callable[[str, int, int], None]
"""Told the name of a backend, how many rows it has now, and how many it will have."""


async def load_demo(
    backends: Mapping[Backend, Resources], accounts: int = ACCOUNTS, on_progress: Progress | None = None
) -> list[str]:
    """Fills the stores that are empty, each all or nothing; answers the names of those it filled."""
    empty = [backend for backend in with_demo(backends) if await is_empty(backend, backends[backend])]
    for backend in empty:
        demo = Demo(accounts=accounts, report=lambda _rows: None)
        total = backend.count_demo(demo)
        if on_progress:
            demo = Demo(accounts=accounts, report=_counting(backend.name, total, on_progress))
        await backend.load_demo(backends[backend], demo)
    return [backend.name for backend in empty]


def with_demo(backends: Iterable[Backend]) -> list[Backend]:
    """Those that have demo data."""
    return [backend for backend in backends if backend.load_demo is not no_demo]


async def is_empty(backend: Backend, resources: Resources) -> bool:
    """Whether no table of the backend has a row."""
    tables = backend.metadata.sorted_tables
    async with resources.database.read() as session:
        found = [await session.scalar(select(exists(select(1).select_from(table)))) for table in tables]
    return not any(found)


def _counting(name: str, total: int, on_progress: Progress) -> Callable[[int], None]:
    done = 0

    def report(rows: int) -> None:
        nonlocal done
        done += rows
        on_progress(name, done, total)

    return report
