"""What an operation costs, as a formula over its variables: made once, worked out for each request."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

MOST = 1_000_000_000
"""No list is larger: a cost stays a number that can be written."""
Variables = Mapping[str, object]


class Formula(Protocol):
    """A number that may depend on variables."""

    def value(self, variables: Variables) -> float:
        """The number for these variables, which nobody has checked yet."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same."""

    number: float

    def value(self, variables: Variables) -> float:
        """The number."""
        return self.number


@dataclass(frozen=True, slots=True)
class Sum:
    """All parts together."""

    number: float
    parts: Sequence[Formula]

    def value(self, variables: Variables) -> float:
        """The number and the parts."""
        return self.number + sum(part.value(variables) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Most:
    """The largest of the parts."""

    parts: Sequence[Formula]

    def value(self, variables: Variables) -> float:
        """The largest part."""
        return max(part.value(variables) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Size:
    """How many items a list has at most."""

    least: int = 0
    """What the schema, and arguments that are no variables, say."""
    variables: tuple[tuple[str, int], ...] = ()
    """The variables that say it, each with the size to take where it is left out."""

    def value(self, variables: Variables) -> int:
        """The largest size that one of them says."""
        return max([self.least, *(size_of(variables.get(name, default)) for name, default in self.variables)])


@dataclass(frozen=True, slots=True)
class Times:
    """An item, once for each of a list."""

    size: Size
    item: Formula

    def value(self, variables: Variables) -> float:
        """All items together."""
        return self.size.value(variables) * self.item.value(variables)


def size_of(value: object) -> int:
    """The size that a value says: a number, or a list with an item for each; none for what is neither."""
    if isinstance(value, list):
        return len(value)
    return min(max(value, 0), MOST) if isinstance(value, int) else 0


def add(parts: Sequence[Formula], number: float = 0) -> Formula:
    """The sum, worked out as far as it can be."""
    number += sum(part.number for part in parts if isinstance(part, Fixed))
    rest = [part for part in parts if not isinstance(part, Fixed)]
    return Sum(number, rest) if rest else Fixed(number)


def most(parts: Sequence[Formula]) -> Formula:
    """The largest, worked out as far as it can be."""
    fixed = max((part.number for part in parts if isinstance(part, Fixed)), default=0.0)
    rest = [part for part in parts if not isinstance(part, Fixed)]
    return Most([Fixed(fixed), *rest]) if rest else Fixed(fixed)


def times(size: Size, item: Formula) -> Formula:
    """The product, worked out as far as it can be."""
    known = isinstance(item, Fixed) and not size.variables
    return Fixed(size.least * item.number) if isinstance(item, Fixed) and known else Times(size, item)


def largest(sizes: Iterable[Size]) -> Size:
    """The size that is the largest whatever the variables are."""
    found = [*sizes]
    together = dict.fromkeys(variable for size in found for variable in size.variables)
    return Size(max((size.least for size in found), default=0), tuple(together))
