"""How the desk is called: by staff over gRPC, and by events."""

from services.admin.service.rpc import AdminServicer, Office
from services.admin.service.stream import Erasure

__all__ = ["AdminServicer", "Erasure", "Office"]
