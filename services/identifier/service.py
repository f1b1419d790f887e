"""How identifiers are called: by clients over gRPC, and by a clock that keeps the worker number."""

import asyncio
from contextlib import suppress

import structlog

from schema.generated.identifier.v1 import identifier_pb2, identifier_pb2_grpc
from services.identifier.biz import LEASE_SECONDS, Identifiers
from services.runtime.server import Context

_log = structlog.get_logger(__name__)

RENEWAL_SECONDS = LEASE_SECONDS / 3
"""How often the lease is renewed: two renewals may fail before it is over."""
RETRY_SECONDS = 0.5
"""How often a worker number is asked for while there is none."""


class IdentifierServicer(identifier_pb2_grpc.IdentifierServiceServicer):
    """Answers with blocks of ids."""

    def __init__(self, identifiers: Identifiers) -> None:
        self._identifiers = identifiers

    async def AllocateIds(  # noqa: N802
        self, request: identifier_pb2.AllocateIdsRequest, context: Context
    ) -> identifier_pb2.AllocateIdsResponse:
        """As many ids as were asked for."""
        return identifier_pb2.AllocateIdsResponse(ids=await self._identifiers.allocate(request.count))


class LeaseKeeper:
    """A server of the process that serves nobody: it keeps the worker number as long as it runs."""

    def __init__(
        self, identifiers: Identifiers, renewal_seconds: float = RENEWAL_SECONDS, retry_seconds: float = RETRY_SECONDS
    ) -> None:
        self._identifiers = identifiers
        self._renewal_seconds = renewal_seconds
        self._retry_seconds = retry_seconds
        self._tried = asyncio.Event()
        self._stopping = asyncio.Event()

    async def holds(self) -> bool:
        """Whether there is a worker number; without one the process is not ready."""
        await self._tried.wait()
        return self._identifiers.worker is not None

    async def serve(self) -> None:
        """Renews until stopped, and tells when the number changes."""
        told: int | None = None
        while not self._stopping.is_set():
            await self._keep()
            self._tried.set()
            if (worker := self._identifiers.worker) != told:
                _log.info("worker number", worker=worker, before=told)
            told = worker
            await self._wait(self._retry_seconds if worker is None else self._renewal_seconds)

    async def stop(self, grace: float) -> None:
        """Ends renewing and gives the number back."""
        self._stopping.set()
        await self._identifiers.release()

    async def _keep(self) -> None:
        try:
            await self._identifiers.keep()
        except Exception as error:  # Whatever ails the store: the lease goes on until it is over.
            _log.warning("the worker number could not be renewed", reason=type(error).__name__)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
