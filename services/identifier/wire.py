"""The identifier backend put together."""

import time
import uuid

import grpc.aio

from schema.generated.identifier.v1 import identifier_pb2, identifier_pb2_grpc
from services.identifier.biz import Identifiers
from services.identifier.data import METADATA, SqlLeaseStore
from services.identifier.service import IdentifierServicer, LeaseKeeper
from services.runtime.backend import Attached, Backend, Resources


def attach(server: grpc.aio.Server, resources: Resources) -> Attached:
    """Builds the backend on the resources and adds its servicer to the server; a lease is kept beside it."""
    identifiers = Identifiers(SqlLeaseStore(resources.database), holder=str(uuid.uuid4()), stopwatch=time.monotonic)
    identifier_pb2_grpc.add_IdentifierServiceServicer_to_server(IdentifierServicer(identifiers), server)
    keeper = LeaseKeeper(identifiers)
    return Attached(servers=[keeper], checks={"worker number": keeper.holds})


BACKEND = Backend(
    name="identifier",
    service=identifier_pb2.DESCRIPTOR.services_by_name["IdentifierService"].full_name,
    metadata=METADATA,
    attach=attach,
)
"""The backend as a process runs it."""
