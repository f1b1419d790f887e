"""The last good answers: kept for when a backend cannot answer, and shown only where `schema/graphql/seams.py` says so.

Each process remembers what backends answered it, and where gateways share a cache, what they answered others. An
answer stands under its question, with the lane and whoever asked, so that it is never given to anybody else; and it is
given to nobody once what it is about has changed since it was asked for.
"""

from loaders.last_good.memories import Memories, Room
from loaders.last_good.memory import Memory
from loaders.last_good.recalling import Recalling

__all__ = ["Memories", "Memory", "Recalling", "Room"]
