"""Answers that are kept: which, for how long, where, and how a change makes them forgotten."""

from loaders.caching.caches import Caches, Sizes
from loaders.caching.rules import RULES, Lifetimes, Seconds

__all__ = ["RULES", "Caches", "Lifetimes", "Seconds", "Sizes"]
