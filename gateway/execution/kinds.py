"""Which Python types never need a second look: nothing of them is awaited, called, raised, streamed or made up."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from types import GeneratorType, ModuleType
from uuid import UUID

_MOST_TYPES = 4096
_ORDINARY = frozenset(
    {object, str, int, float, bool, complex, bytes, bytearray, type(None), list, tuple, dict, set, frozenset, range}
    | {date, datetime, time, timedelta, Decimal, Fraction, UUID, Enum}
)
_PECULIAR = (BaseException, GeneratorType, type, ModuleType)
"""Generators may be coroutines of the old style; classes and modules have attributes of their own."""
_TELLING = ("__await__", "__aiter__", "__call__", "__getattr__", "__getattribute__", "__class__")
"""What a class defines whose instances may be awaited or called, or make up attributes, or pass for another class."""


class PlainTypes(dict[type, bool]):
    """Remembers, per exact type, whether its instances are ordinary values.

    `plain[type(value)]` answers from the dict; a type not seen before is looked at once.
    """

    def __missing__(self, kind: type) -> bool:
        if len(self) >= _MOST_TYPES:
            self.clear()
        plain = self[kind] = is_plain(kind)
        return plain


def is_plain(kind: type) -> bool:
    """Whether instances of `kind` are ordinary values. When in doubt, no: the slow way is always right."""
    if issubclass(kind, _PECULIAR):
        return False
    return all(base in _ORDINARY or not any(name in base.__dict__ for name in _TELLING) for base in kind.__mro__)


PLAIN = PlainTypes()
