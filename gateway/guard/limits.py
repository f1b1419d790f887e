"""The limits of an operation, and the refusal that names the first one it is over."""

from dataclasses import dataclass

from graphql import DocumentNode

from gateway.guard.extent import Extent, census
from schema import errcode

MOST_INTROSPECTION = 25
"""Tools ask about 15 levels deep."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one document, or one operation of it, may have."""

    bytes: int
    tokens: int
    operations: int
    directives: int
    fields: int
    roots: int
    depth: int
    aliases: int
    fragments: int
    repeats: int
    cost: int


def check_source(source: str, limits: Limits) -> None:
    """Refuses a text that is too long to be parsed."""
    # A character has at least one byte: only a text that may be too long is encoded to count.
    if len(source) * 4 > limits.bytes:
        check("document bytes", len(source.encode(errors="replace")), limits.bytes)


def check_census(document: DocumentNode, limits: Limits) -> bool:
    """Raises OperationTooLarge for the first limit that the document is over; whether its fragments are sound."""
    found = census(document)
    check("operations", len(found.operations), limits.operations)
    check("directives", found.directives, limits.directives)
    for extent in found.operations:
        check("root fields", extent.roots, limits.roots)
        check("depth", extent.depth, limits.depth)
        check("depth of introspection", extent.introspection, MOST_INTROSPECTION)
    for extent in (*found.operations, *found.fragments):
        _check_extent(extent, limits)
    return found.sound


def _check_extent(extent: Extent, limits: Limits) -> None:
    check("fields", extent.fields, limits.fields)
    check("aliases", extent.aliases, limits.aliases)
    check("fragments", extent.fragments, limits.fragments)


def check(limit: str, value: int, most: int) -> None:
    """Raises OperationTooLarge when the value is over the limit."""
    if value > most:
        raise errcode.OperationTooLarge(limit, value, most)
