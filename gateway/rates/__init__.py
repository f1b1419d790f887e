"""How much one client may ask for: by account and by address, in root fields and in cost, and less of signing in."""

from gateway.rates.limits import RateLimits, Tell
from gateway.rates.quotas import Rates

__all__ = ["RateLimits", "Rates", "Tell"]
