"""How moments and days are written in answers, and read from arguments."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from schema.graphql.moment import Moment


def _reader(read: Callable[[str], Any], refusal: str) -> Callable[[object], Any]:
    """Reads a text; what does not fit is refused by a GraphQLError: any other is taken for a failure here."""

    def from_client(value: object) -> Any:
        try:
            return read(value) if isinstance(value, str) else _refuse(refusal)
        except ValueError:
            return _refuse(refusal)

    return from_client


def _refuse(refusal: str) -> Any:
    raise GraphQLError(refusal) from None


DATE_TIME = strawberry.scalar(
    name="DateTime",
    description="A moment in UTC, as ISO 8601 writes it: 2026-03-02T12:00:00+00:00.",
    serialize=str,
    parse_value=_reader(
        datetime.fromisoformat, "DateTime must be a moment as ISO 8601 writes it, such as 2026-03-02T12:00:00+00:00"
    ),
)
DATE = strawberry.scalar(
    name="Date",
    description="A day, as ISO 8601 writes it: 1990-12-31.",
    serialize=date.isoformat,
    parse_value=_reader(date.fromisoformat, "Date must be a day as ISO 8601 writes it, such as 1990-12-31"),
)
SCALARS: dict[object, ScalarDefinition] = {
    Moment: DATE_TIME,
    datetime: DATE_TIME,  # What a client sends is reckoned with.
    date: DATE,
}
