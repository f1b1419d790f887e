"""Fields that go on without their backend, as their row in `seams.py` says.

Such a field never puts an entry into `errors` because a backend is down: it answers what the row says and adds an entry
to `extensions.degraded`. Where too little time is left, or too much is going on, it does so at once. What the client
did wrong is always an error.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Literal, TypeVar, cast

from schema.errcode import BackendUnavailable, DeadlineExceeded, Internal, Overloaded
from schema.graphql.asking import Ask, Asked, Recover, made_of, what_asks
from schema.graphql.info import Info
from schema.graphql.ports import Context, Degradation
from schema.graphql.seams import SEAMS, Criticality, Seam

Resolver = TypeVar("Resolver", bound=Callable[..., Awaitable[Any]])
UNANSWERED = (BackendUnavailable, DeadlineExceeded, Overloaded, Internal)
"""The errors that say a backend could not answer; any other is an answer."""


def degrades(resolver: Resolver) -> Resolver:
    """The resolver, answering as its row of SEAMS says when the backend cannot."""
    seam = SEAMS[resolver.__qualname__]
    recover = _recovery(seam)

    @wraps(resolver)
    async def answer(self: Any, info: Info, **arguments: Any) -> Any:
        try:
            if (problem := info.context.spared(seam.criticality)) is not None:
                raise problem
            return await resolver(self, info, **arguments)
        except Exception as error:
            return recover(info, error)

    if (ask := what_asks(resolver)) is not None:
        made_of(answer, _unless_spared(ask, seam.criticality), recover)
    return cast(Resolver, answer)


def _recovery(seam: Seam) -> Recover:
    mode: Literal["DEFAULT", "NULL"] = "NULL" if seam.default is None else "DEFAULT"

    def recover(info: Info, error: Exception) -> Any:
        if not isinstance(error, UNANSWERED):
            raise error
        backend = error.backend or seam.backend
        info.context.degraded.append(Degradation(info.path.as_list(), backend, mode, error.code))
        return seam.default

    return recover


def _unless_spared(ask: Ask, criticality: Criticality) -> Ask:
    def ask_unless_spared(self: Any, context: Context, **arguments: Any) -> Asked[Any] | None:
        if (problem := context.spared(criticality)) is not None:
            raise problem
        return ask(self, context, **arguments)

    return ask_unless_spared
