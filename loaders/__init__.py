"""Many questions, one call: what the GraphQL types ask, batched into the RPCs of the backends."""

from loaders.clients import Clients, open_clients

__all__ = ["Clients", "open_clients"]
