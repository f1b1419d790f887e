"""How large an operation may be: counted before it is validated, whichever way it came."""

from gateway.guard.limits import Limits

__all__ = ["Limits"]
