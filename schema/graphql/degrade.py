"""Fields that go on without their backend, as their row in `seams.py` says.

Such a field never puts an entry into `errors` because a backend is down: it answers what the row says and adds an entry
to `extensions.degraded`. Where too little time is left, or too much is going on, it does so at once. What the client
did wrong is always an error.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Literal, TypeVar, cast

from schema.errcode import BackendUnavailable, DeadlineExceeded, Internal, Overloaded
from schema.graphql.asking import Asked, made_of, what_asks
from schema.graphql.info import Info
from schema.graphql.ports import Context, Degradation
from schema.graphql.seams import SEAMS, Criticality

Resolver = TypeVar("Resolver", bound=Callable[..., Awaitable[Any]])
UNANSWERED = (BackendUnavailable, DeadlineExceeded, Overloaded, Internal)
"""The errors that say a backend could not answer; any other is an answer."""


def degrades(resolver: Resolver) -> Resolver:
    """The resolver, answering as its row of SEAMS says when the backend cannot."""
    seam = SEAMS[resolver.__qualname__]
    mode: Literal["DEFAULT", "NULL"] = "NULL" if seam.default is None else "DEFAULT"

    @wraps(resolver)
    async def answer(self: Any, info: Info, **arguments: Any) -> Any:
        try:
            unless_spared(info.context, seam.criticality)
            return await resolver(self, info, **arguments)
        except Exception as error:
            return recover(info, error)

    def recover(info: Info, error: Exception) -> Any:
        if not isinstance(error, UNANSWERED):
            raise error
        backend = error.backend or seam.backend
        info.context.degraded.append(Degradation(info.path.as_list(), backend, mode, error.code))
        return seam.default

    if (ask := what_asks(resolver)) is not None:

        def ask_unless_spared(self: Any, context: Context, **arguments: Any) -> Asked[Any] | None:
            unless_spared(context, seam.criticality)
            return ask(self, context, **arguments)

        made_of(answer, ask_unless_spared, recover)
    return cast(Resolver, answer)


def unless_spared(context: Context, criticality: Criticality) -> None:
    """Raises what says that a field of no more weight than this is not to be asked for now."""
    if (problem := context.spared(criticality)) is not None:
        raise problem
