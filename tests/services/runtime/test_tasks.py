import asyncio

import pytest

from services.runtime.tasks import task_group


async def test_what_is_under_way_at_the_end_is_cancelled() -> None:
    async with task_group() as group:
        task = group.create_task(asyncio.Event().wait())
    assert task.cancelled()


async def test_a_block_that_fails_fails_as_itself_and_ends_the_tasks() -> None:
    tasks: list[asyncio.Task[bool]] = []

    async def fail() -> None:
        async with task_group() as group:
            tasks.append(group.create_task(asyncio.Event().wait()))
            raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        await fail()
    assert tasks[0].cancelled()
