"""What a use case costs: the statements a database ran, and the round trips to the cache."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from sqlalchemy import event

from services.runtime.database import Database


@contextmanager
def statements_run(database: Database) -> Iterator[list[str]]:
    """A list that grows by each SQL statement that the database runs within the block."""
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)


class CountingRedis(Redis):
    """The same cache, through a client that counts its round trips."""

    def __init__(self, cache: Redis) -> None:
        super().__init__(connection_pool=cache.connection_pool)
        self.round_trips = 0

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return CountingPipeline(self, transaction)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        self.round_trips += 1
        return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]


class CountingPipeline(Pipeline):
    """A pipeline that costs its client one round trip."""

    def __init__(self, owner: CountingRedis, transaction: bool) -> None:
        super().__init__(owner.connection_pool, owner.response_callbacks, transaction, None)
        self._owner = owner

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        self._owner.round_trips += 1
        return await super().execute(raise_on_error)
