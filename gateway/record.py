"""What the log line of a request tells, gathered while the request runs."""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from schema import errcode
from schema.graphql.ports import Degradation

KEY = "atrium.record"


@dataclass(slots=True)
class Record:
    """Filled in by whoever learns it; a dash where nobody did."""

    operation: str = "-"
    """Name of the GraphQL operation."""
    viewer: str = "-"
    """Account type of whoever asked, if the operation wanted to know."""
    code: int = errcode.OK
    """Of the first error."""
    degraded: Sequence[Degradation] = ()
    """Fields that were answered without their backend."""
    streamed: bool = False
    """Whether the answer took as long as the client liked."""


def record_of(scope: MutableMapping[str, Any]) -> Record:
    """The record of the request with this ASGI scope."""
    record: Record = scope.setdefault(KEY, Record())
    return record
