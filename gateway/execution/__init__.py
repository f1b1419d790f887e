"""GraphQL operations compiled to Python: an executor for graphql-core, and so for Strawberry.

See README.md beside this file.
"""

from .executor import CompiledExecution, CompiledExecutor, compiled_executor
from .functions import (
    execute,
    execute_sync,
    experimental_execute_incrementally,
    graphql,
    graphql_sync,
    subscribe,
)
from .plans import Plans

__all__ = [
    "CompiledExecution",
    "CompiledExecutor",
    "Plans",
    "compiled_executor",
    "execute",
    "execute_sync",
    "experimental_execute_incrementally",
    "graphql",
    "graphql_sync",
    "subscribe",
]
