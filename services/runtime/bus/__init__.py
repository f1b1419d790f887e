"""One URL, one bus: `memory://` (within this process) or `kafka://host:port`. Both keep the order of each account."""

from services.runtime.bus.opening import open_bus
from services.runtime.bus.port import Bus, BusUnavailable, Message, Subscription

__all__ = ["Bus", "BusUnavailable", "Message", "Subscription", "open_bus"]
