"""Who of several processes leads: one at a time, and none that has died."""

import fcntl
import hashlib
from pathlib import Path
from typing import IO

from sqlalchemy import func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

NAME = "task/schedule"


def lead_of(engine: AsyncEngine) -> "FileLead | SessionLead":
    """The lead over all processes that use this store."""
    if engine.dialect.name == "sqlite":
        return FileLead(Path(f"{engine.url.database}.lead"))
    return SessionLead(engine)


class FileLead:
    """A lock on a file beside the store: the system frees it when its process ends, however that happens."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    async def take(self) -> bool:
        """Takes the lead, if nobody has it."""
        file = self._path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    async def holds(self) -> bool:
        """Whether this process has it: nothing takes it away."""
        return self._file is not None

    async def give_up(self) -> None:
        """Leaves it to others."""
        if self._file is not None:
            self._file.close()
            self._file = None


class SessionLead:
    """A lock of a PostgreSQL session: the server frees it when the connection ends, and with it the process."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None
        digest = hashlib.sha256(NAME.encode()).digest()
        self._number = int.from_bytes(digest[:8], "big", signed=True)

    async def take(self) -> bool:
        """Takes the lead, if nobody has it."""
        self._connection = await self._engine.connect()
        # Outside of a transaction: the connection may rest for weeks.
        await self._connection.execution_options(isolation_level="AUTOCOMMIT")
        if await self._connection.scalar(select(func.pg_try_advisory_lock(self._number))):
            return True
        await self.give_up()
        return False

    async def holds(self) -> bool:
        """Whether the session, and with it the lock, is still there."""
        return self._connection is not None and bool(await self._connection.scalar(select(true())))

    async def give_up(self) -> None:
        """Leaves it to others."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # Back in the pool the session would live on, and so would its lock.
            await connection.invalidate()
            await connection.close()
