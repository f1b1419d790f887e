"""How the outside calls the activity backend: by gRPC."""

from services.activity.service.servicer import ActivityServicer

__all__ = ["ActivityServicer"]
