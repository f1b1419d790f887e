"""The one schema that the gateway serves."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import strawberry
from graphql import GraphQLError
from graphql.execution import Executor
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from schema.graphql.accounts import ACCOUNTS, PlainAccount
from schema.graphql.admin.mutation import AdminMutation
from schema.graphql.homes import HOMES, PlainHome
from schema.graphql.mutation import Mutation
from schema.graphql.query import Query
from schema.graphql.scalars import SCALARS
from schema.graphql.subscription import Subscription


@strawberry.type(
    name="Mutation",
    description="Where changing begins. Fields run one after the other; each sees what the last changed.",
)
class WholeMutation(Mutation, AdminMutation):
    """What everybody may change, then what staff may."""


class Schema(strawberry.Schema):
    """A schema that leaves it to the gateway to log an error, so that it is logged once."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Logs nothing."""


def create_schema(
    extensions: Sequence[type[SchemaExtension] | Callable[[], SchemaExtension]] = (),
    executor: type[Executor[Any]] | None = None,
) -> Schema:
    """The schema with the gateway's extensions: classes or factories; run by `executor`, Strawberry's own when None."""
    views: Iterable[type[Any]] = (*ACCOUNTS.values(), PlainAccount, *HOMES.values(), PlainHome)
    return Schema(
        query=Query,
        mutation=WholeMutation,
        subscription=Subscription,
        types=views,
        extensions=extensions,
        execution_context_class=executor,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
