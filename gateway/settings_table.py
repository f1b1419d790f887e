"""Every setting with its default and what it is for, as a table."""

from collections.abc import Iterator
from typing import NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from services.runtime.settings import PREFIX


class Row(NamedTuple):
    """One setting."""

    name: str
    """The environment variable."""
    default: str
    """What holds when it is not set; empty when nothing does."""
    description: str


def rows(kind: type[BaseModel], prefix: str = PREFIX) -> Iterator[Row]:
    """The settings of a class in the order it declares them, those of its parts in their place."""
    for field, info in kind.model_fields.items():
        name = prefix + field.upper()
        part = info.annotation
        if isinstance(part, type) and issubclass(part, BaseModel):
            yield from rows(part, f"{name}__")
        else:
            yield Row(name, _shown(info), info.description or "")


def _shown(info: FieldInfo) -> str:
    default = info.default
    if default is None:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default)


def markdown(kind: type[BaseModel]) -> str:
    """The table as documents hold it."""
    lines = ["| variable | default | what it is for |", "| --- | --- | --- |"]
    for name, default, description in rows(kind):
        lines.append(f"| `{name}` | {f'`{default}`' if default else ''} | {description} |")
    return "\n".join(lines)
