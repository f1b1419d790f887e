"""A parent for tasks that serve many requests and belong to none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class _Ended(Exception):
    """Nobody needs the tasks any more."""


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A group whose tasks are cancelled when the block ends; the block itself fails as it fails, not as a group."""
    problem: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            try:
                yield group
            except BaseException as error:
                problem = error
            raise _Ended
    except* _Ended:
        pass
    if problem is not None:
        raise problem
