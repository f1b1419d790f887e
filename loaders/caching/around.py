"""What the caches of one process share."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from loaders.caching.heard import Heard
from services.runtime.sealing import Secret, no_secret


@dataclass(frozen=True)
class Around:
    """What the caches of one process share."""

    heard: Heard
    group: asyncio.TaskGroup
    """Has the loads, which belong to no request."""
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    """Seconds since 1970."""
    rng: random.Random = field(default_factory=random.SystemRandom)
    secret: Secret = field(default=no_secret, repr=False)
    """Whoever does not know it puts nothing into the shared cache that counts."""
    renewing_after: float = 0.05
    """For so many seconds what is to be renewed waits for more of it: nobody waits for that, and each look costs."""
