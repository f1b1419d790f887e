"""The backends as the gateway asks them: stubs for the life of the process, loaders for one operation."""

from collections.abc import Mapping

import grpc.aio

from schema.graphql.ports import Commands, Loaders
from services.runtime.telemetry import Metrics


class Clients:
    """The stubs of every backend."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel]) -> None:
        """`channels` by backend: account, permission, banner, activity."""
        self._channels = channels

    def loaders(self, metrics: Metrics) -> Loaders:
        """Fresh loaders for one operation, which record their batch sizes in `metrics`."""
        raise NotImplementedError

    def commands(self) -> Commands:
        """What changes something; the same for every operation."""
        raise NotImplementedError
