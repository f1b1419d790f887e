"""How identifiers are called: by clients over gRPC, and by a clock that keeps the worker number."""

import asyncio

import structlog

from schema.generated.identifier.v1 import identifier_pb2, identifier_pb2_grpc
from services.identifier.biz import LEASE_SECONDS, Identifiers
from services.runtime.server import Context
from services.runtime.worker import Worker

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
        self._told: int | None = None
        self._tried = asyncio.Event()
        self._worker = Worker("lease of the worker number", self._keep)

    async def holds(self) -> bool:
        """Whether there is a worker number; without one the process is not ready."""
        await self._tried.wait()
        return self._identifiers.worker is not None

    async def serve(self) -> None:
        """Renews until stopped; a store that does not answer is asked again, and meanwhile the lease may end."""
        await self._worker.serve()

    async def stop(self, grace: float) -> None:
        """Ends renewing and gives the number back."""
        await self._worker.stop(grace)
        try:
            await self._identifiers.release()
        except Exception as error:  # Whatever ails the store: the lease ends by itself.
            _log.warning("the worker number could not be given back", problem=str(error)[:500])

    async def _keep(self) -> float:
        try:
            await self._identifiers.keep()
        finally:
            self._tried.set()
        number = self._identifiers.worker
        if number != self._told:
            _log.info("worker number", number=number, before=self._told)
        self._told = number
        return self._retry_seconds if number is None else self._renewal_seconds
