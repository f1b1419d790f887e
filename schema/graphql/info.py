"""What a resolver is given beside its arguments."""

from typing import TypeAlias

import strawberry

from schema.graphql.ports import Context

Info: TypeAlias = strawberry.Info[Context, None]
"""The place in the answer, and the operation as `info.context`."""
