"""The load sends what it can, and tells what it could not."""

import asyncio

from chaos.load import LOST, UNSENT, WHOLE, Load
from tests.chaos.test_between import serving
from tests.conftest import free_port

REQUEST = b"POST /graphql HTTP/1.1\r\ncontent-length: 0\r\n\r\n"
ANSWER = b'HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"data":{}}'
RATE = 500.0


class Hesitating:
    """Answers nobody until it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await self.let.wait()
                writer.write(ANSWER)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()


async def sending(load: Load, until: asyncio.Event) -> None:
    """Sends until then, however long the machine takes."""
    async with asyncio.timeout(30):
        await load.send(RATE, until)


async def some(load: Load, kind: str, count: int) -> None:
    """Returns once that came of so many requests."""
    while sum(outcome.kind == kind for outcome in load.outcomes) < count:  # noqa: ASYNC110 - it tells nobody.
        await asyncio.sleep(0.001)


async def test_what_it_has_no_connection_for_is_unsent_and_not_lost() -> None:
    hesitating = Hesitating()
    async with serving(hesitating.serve) as port:
        load, enough = Load(port, [REQUEST], most_connections=2), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(sending(load, enough))
            await some(load, UNSENT, 3)
            hesitating.let.set()
            await some(load, WHOLE, 5)
            enough.set()
        load.close()
    assert {outcome.kind for outcome in load.outcomes} == {UNSENT, WHOLE}
    assert hesitating.connections == 2
    assert all(outcome.late >= 0 for outcome in load.outcomes)


async def test_a_connection_that_is_refused_loses_its_request() -> None:
    load, enough = Load(free_port(), [REQUEST]), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(sending(load, enough))
        await some(load, LOST, 3)
        enough.set()
    assert {outcome.kind for outcome in load.outcomes} == {LOST}
