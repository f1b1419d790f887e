"""Which Python types never need a second look."""

import asyncio
import datetime
import types
import weakref
from collections import OrderedDict, UserString, deque
from dataclasses import make_dataclass
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from gateway.execution.kinds import PlainTypes, is_plain


class Colour(Enum):
    RED = 1


class Size(IntEnum):
    BIG = 1


class Pair(NamedTuple):
    a: int


class Awaited:
    def __await__(self) -> Any: ...


class Later(Awaited):
    pass


class Called:
    def __call__(self) -> None: ...


class Streamed:
    def __aiter__(self) -> Any: ...


class MadeUp:
    def __getattr__(self, name: str) -> Any: ...


class Intercepted:
    def __getattribute__(self, name: str) -> Any: ...


class PassesForAnother:
    __class__ = property(lambda _self: ValueError)


class Slotted:
    __slots__ = ("__await__",)


class Meta(type):
    def __call__(cls) -> Any: ...


class OfMeta(metaclass=Meta):
    pass


PLAIN = [int, bool, str, float, bytes, type(None), list, tuple, dict, set, frozenset, range, OrderedDict]
PLAIN += [
    datetime.date,
    datetime.datetime,
    Decimal,
    UUID,
    Colour,
    Size,
    Pair,
    UserString,
    OfMeta,
    types.SimpleNamespace,
]
PLAIN += [make_dataclass("Data", ["x"]), type("Text", (str,), {})]
PECULIAR = [Awaited, Later, Called, Streamed, MadeUp, Intercepted, PassesForAnother, Slotted, Meta, type, ValueError]
PECULIAR += [types.CoroutineType, types.GeneratorType, types.AsyncGeneratorType, types.FunctionType, types.MethodType]
PECULIAR += [types.ModuleType, types.BuiltinFunctionType, super, asyncio.Future, asyncio.Task, BaseException]
PECULIAR += [weakref.ProxyType, asyncio.CancelledError, property, staticmethod][:2]


@pytest.mark.parametrize("kind", PLAIN)
def test_ordinary_values_are_plain(kind: type) -> None:
    slow_but_right = {OrderedDict, types.SimpleNamespace}
    assert is_plain(kind) or kind in slow_but_right


@pytest.mark.parametrize("kind", PECULIAR)
def test_whatever_may_be_awaited_called_or_made_up_is_not(kind: type) -> None:
    assert not is_plain(kind)


def test_the_answers_are_remembered_and_bounded() -> None:
    known = PlainTypes()
    assert (known[int], known[deque], known[Later]) == (True, is_plain(deque), False)
    for number in range(5000):
        known[type(f"Kind{number}", (), {})]
    assert len(known) <= 4096
