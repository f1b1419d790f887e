"""Writes one selection set as a Python function: straight-line code, one stretch per field.

The source holds nothing of the document but names, quoted as Python literals; all else it refers to by number:
`F3` is the plan of the field number 3, `C3` completes it, `Q3` are its runs by class, `R3` resolves it, `B3` asks what
it asks, with the context that `H3` makes, `I3` makes its info, `A3` its arguments, `K3_0` is a constant one; `L3`
completes it as a leaf, `V3` coerces it if its class is in `S3`; for an enum `V3` holds the names; `W3` shows what a
property reads whose parts are known, where `T` knows that the source has that property.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

from graphql import TypeNameMetaFieldDef

from .completers import LeafCompleter, MemoizedEnum
from .dialect import Call, Told, is_name, quoted
from .fields import FieldPlan
from .kinds import PLAIN
from .objects import MOST_CLASSES
from .running import Run
from .scalars import unchanged_test

_MOST_KEPT = 20_000
"""Source of more characters is not remembered."""


class Unknowable:
    """Stands for an answer that cannot be told: asking for it fails as it failed before."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __bool__(self) -> bool:
        raise self._error


def is_mapping(source: Any) -> Any:
    """Whether fields are read from a source by key."""
    try:
        return isinstance(source, Mapping)
    except Exception as error:
        return Unknowable(error)


class Sources(dict[type, bool]):
    """Remembers, per exact class of a source, whether its properties are those that told of their parts."""

    def __init__(self, told: list[Told]) -> None:
        super().__init__()
        self._told = told
        self.are_known = bool(told)
        """Whether all classes so far have them."""

    def __missing__(self, kind: type) -> bool:
        if len(self) >= MOST_CLASSES:
            self.clear()
        known = self[kind] = PLAIN[kind] and all(one.is_read_from(kind) for one in self._told)
        self.are_known = self.are_known and known
        return known


UNKNOWN = Sources([])
"""What knows of no class."""


class Selection(NamedTuple):
    """One selection set as a function."""

    run: Run
    sources: Sources
    """What knows the classes of its sources; UNKNOWN where it does more than read leaves by told parts."""


def write_selection(fields: list[FieldPlan]) -> Selection:
    """With a function `run(execution, source, frame, out) -> out`.

    It raises the located error of a field that may not be null, like graphql-core.
    """
    scope: dict[str, Any] = {"P": PLAIN, "is_mapping": is_mapping}
    lines = ["def run(x, s, f, out):"]
    if any(field.reading is not None and field.reading.needs_mapping_check for field in fields):
        lines.append("    m = type(s) is dict or is_mapping(s)")
    told = [field.reading.told for field in fields if field.reading is not None and field.reading.told]
    sources = Sources(told)
    if told:
        scope["T"] = sources
        lines.append("    t = T[type(s)]")
    for number, field in enumerate(fields):
        lines += _written(str(number), field, scope)
    lines.append("    return out")
    source = "\n".join(lines)
    exec(code_of(source) if len(source) <= _MOST_KEPT else _compiled(source), scope)  # noqa: S102
    return Selection(scope["run"], sources if all(map(_is_told, fields)) else UNKNOWN)


def _is_told(field: FieldPlan) -> bool:
    """Whether what the field answers depends on its source alone."""
    if is_typename(field):
        return True
    if field.reading is None or field.reading.told is None:
        return False
    coerces = field.leaf.coerce if field.leaf is not None else None
    return coerces is str or isinstance(coerces, MemoizedEnum) or unchanged_test(field.definition.type) is not None


def is_typename(field: FieldPlan) -> bool:
    """Whether the field is the name of the type, shown as such."""
    return field.definition is TypeNameMetaFieldDef and unchanged_test(field.definition.type) is not None


@lru_cache(maxsize=1024)
def code_of(source: str) -> CodeType:
    """Equal selections share their code."""
    return _compiled(source)


def _compiled(source: str) -> CodeType:
    return compile(source, "<compiled selection>", "exec", dont_inherit=True)


def _written(number: str, field: FieldPlan, scope: dict[str, Any]) -> list[str]:
    unchanged = unchanged_test(field.definition.type)
    if is_typename(field):
        return [f"    out[{quoted(field.key)}] = {quoted(field.parent_name)}"]
    scope[f"F{number}"] = field
    scope[f"C{number}"] = field.complete
    scope[f"Q{number}"] = field.runs
    if field.reading is None:
        return _resolved(number, field, unchanged, scope)
    if unchanged:
        return _read_leaf(number, field, unchanged, scope)
    return _read(number, field, scope) if field.leaf is None else _read_coerced(number, field, field.leaf, scope)


def _place(field: FieldPlan) -> str:
    return f"(f, {quoted(field.key)}, {quoted(field.parent_name)}, out, {field.non_null})"


def _reading(number: str, field: FieldPlan, scope: dict[str, Any]) -> str:
    """The expression that reads a field off its source."""
    assert field.reading is not None
    expression, told = field.reading.expression, field.reading.told
    if told is None:
        return expression
    read = ".".join(["s", *told.parts.path])
    if told.parts.show is not None:
        read, scope[f"W{number}"] = f"W{number}({read})", told.parts.show
    return f"{read} if t else {expression}"


def _read_leaf(number: str, field: FieldPlan, unchanged: str, scope: dict[str, Any]) -> list[str]:
    """A field read off its source that most often is used as it is."""
    return [
        "    try:",
        f"        v = {_reading(number, field, scope)}",
        "    except Exception as e:",
        f"        v = x.fail(e, F{number}, {_place(field)})",
        "    else:",
        f"        if not ({unchanged}):",
        f"            v = F{number}.read(x, v, {_place(field)})",
        f"    out[{quoted(field.key)}] = v",
    ]


def _read_coerced(number: str, field: FieldPlan, leaf: LeafCompleter, scope: dict[str, Any]) -> list[str]:
    """A field read off its source that is coerced."""
    if isinstance(leaf.coerce, MemoizedEnum):
        scope[f"V{number}"] = leaf.coerce.names
        coerce = [
            f"        c = V{number}.get(id(v))",
            "        if c is not None and c[0] is v:",
            "            v = c[1]",
        ]
    else:
        scope[f"V{number}"], scope[f"L{number}"] = leaf.coerce, leaf
        scope[f"S{number}"] = leaf.sure
        passed_on = ["        if type(v) is str:", "            pass"] if leaf.coerce is str else []
        coerce = [
            *passed_on,
            f"        {'el' if passed_on else ''}if type(v) in S{number}:",
            f"            c = V{number}(v)",
            f"            v = c if type(c) is str else L{number}.checked(x, v, c, {_place(field)})",
        ]
    return [
        "    try:",
        f"        v = {_reading(number, field, scope)}",
        *coerce,
        "        else:",
        f"            p = {_place(field)}",
        f"            v = C{number}(x, v, p) if P[type(v)] else F{number}.read(x, v, p)",
        "    except Exception as e:",
        f"        v = x.fail(e, F{number}, {_place(field)})",
        f"    out[{quoted(field.key)}] = v",
    ]


def _read(number: str, field: FieldPlan, scope: dict[str, Any]) -> list[str]:
    """A field read off its source and completed."""
    cast = f" and getattr(v, {quoted(field.cast)}, None) is None" if field.cast else ""
    return [
        f"    p = {_place(field)}",
        "    try:",
        f"        v = {_reading(number, field, scope)}",
        f"        r = Q{number}.get(type(v))",
        f"        if r is not None{cast}:",
        "            v = r(x, v, p, {})",
        "        else:",
        f"            v = C{number}(x, v, p) if P[type(v)] else F{number}.read(x, v, p)",
        "    except Exception as e:",
        f"        v = x.fail(e, F{number}, p)",
        f"    out[{quoted(field.key)}] = v",
    ]


def _resolved(number: str, field: FieldPlan, unchanged: str | None, scope: dict[str, Any]) -> list[str]:
    """A field whose resolver is called."""
    usual = [
        "    try:",
        f"        v = {_call(number, field, scope)}",
        f"        if not ({unchanged}):" if unchanged else "        if True:",
        f"            v = C{number}(x, v, p) if P[type(v)] else F{number}.other(x, v, p)",
        "    except Exception as e:",
        f"        v = x.fail(e, F{number}, p)",
    ]
    if field.call is not None and field.call.asking is not None:
        usual = [*_asked(number, field, scope), *(f"    {line}" for line in usual)]
    return [f"    p = {_place(field)}", *usual, f"    out[{quoted(field.key)}] = v"]


def _asked(number: str, field: FieldPlan, scope: dict[str, Any]) -> list[str]:
    """A field that asks, without its coroutine; otherwise what follows."""
    assert field.call is not None
    assert field.call.asking is not None
    scope[f"B{number}"], _, through = field.call.asking
    context = "x.context"
    if through is not None:
        context, scope[f"H{number}"] = f"H{number}(x.context)", through
    given = ["**a"] if _are_picked(field) else _arguments(number, field, scope)
    asking = [
        "        try:",
        f"            v = B{number}({', '.join(['s', context, *given])})",
        "        except Exception as e:",
        f"            v = x.recover(e, None, F{number}, p)",
        "        else:",
        f"            v = x.ask(F{number}, v, p)",
    ]
    if _are_picked(field):  # An argument that cannot be coerced is no failure of what is asked.
        asking = [
            "        try:",
            f"            a = A{number}(x.variables)",
            "        except Exception as e:",
            f"            v = x.fail(e, F{number}, p)",
            "        else:",
            *(f"    {line}" for line in asking),
        ]
    return ["    if x.asks:", *asking, "    else:"]


def _call(number: str, field: FieldPlan, scope: dict[str, Any]) -> str:
    """The expression that calls the field's function."""
    call = field.call
    info = f"x.info(F{number}, p)"
    if call is None:
        function, call = "x.executor.field_resolver", Call(_call)
    else:
        function, scope[f"R{number}"] = f"R{number}", call.function
    if call.make_info is not None:
        info, scope[f"I{number}"] = f"I{number}(x, F{number}, p)", call.make_info
    given = {"s": "s", "i": info}
    parts = [given[one] for one in call.positional]
    parts += [f"{name}={given[one]}" for name, one in call.named]
    return f"{function}({', '.join([*parts, *_arguments(number, field, scope)])})"


def _arguments(number: str, field: FieldPlan, scope: dict[str, Any]) -> list[str]:
    if field.arguments is None:
        return []
    if _are_picked(field):
        scope[f"A{number}"] = field.arguments.pick
        return [f"**A{number}(x.variables)"]
    constants = field.arguments.constants or {}
    for index, value in enumerate(constants.values()):
        scope[f"K{number}_{index}"] = value
    return [f"{name}=K{number}_{index}" for index, name in enumerate(constants)]


def _are_picked(field: FieldPlan) -> bool:
    """Whether a field's arguments are made for each call."""
    if field.arguments is None:
        return False
    constants = field.arguments.constants
    return constants is None or not all(map(is_name, constants))
