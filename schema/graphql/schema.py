"""The one schema that the gateway serves."""

from collections.abc import Callable, Sequence

import strawberry
from strawberry.extensions import SchemaExtension


def create_schema(
    extensions: Sequence[type[SchemaExtension] | Callable[[], SchemaExtension]] = (),
) -> strawberry.Schema:
    """The schema with the gateway's extensions: classes or factories."""
    raise NotImplementedError
