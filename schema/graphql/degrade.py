"""Fields that go on without their backend, as their row in `seams.py` says.

Such a field never puts an entry into `errors` because a backend is down: it answers what the row says and adds an entry
to `extensions.degraded`. Where too little time is left, or too much is going on, it does so at once. What the client
did wrong is always an error.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar, cast

from schema.errcode import OUTAGES, AtriumError, LastGood
from schema.graphql.asking import Ask, Recover, Show, Through, made_of, what_asks
from schema.graphql.info import Info
from schema.graphql.ports import Context, Degradation
from schema.graphql.seams import SEAMS, DegradeMode, Seam

Resolver = TypeVar("Resolver", bound=Callable[..., Awaitable[Any]])


def degrades(resolver: Resolver) -> Resolver:
    """The resolver, answering as its row of SEAMS says when the backend cannot."""
    seam = SEAMS[resolver.__qualname__]
    recover = _recovering(resolver.__qualname__, seam)
    ask = what_asks(resolver)
    if ask is None:
        return cast(Resolver, _awaiting(resolver, seam, recover))
    return cast(Resolver, _asking(resolver, ask, recover, _unless_spared(seam)))


def _recovering(name: str, seam: Seam) -> Recover:
    """What the field of this name answers in spite of an error, or raises."""

    def recover(info: Info, error: Exception, show: Show | None) -> Any:
        if not isinstance(error, OUTAGES):
            raise error
        error.__traceback__ = None  # It refers to the loader, which keeps the error.
        path, backend = info.path.as_list(), error.backend or seam.backend
        if show and (kept := _still_good(seam, error)):
            age_ms = round(kept.age * 1000)
            info.context.degraded.append(Degradation(path, backend, "STALE", error.code, age_ms, name))
            return show(kept.answer)
        mode: Any = "NULL" if seam.default is None else "DEFAULT"
        info.context.degraded.append(Degradation(path, backend, mode, error.code, row=name))
        return seam.default

    return recover


def _still_good(seam: Seam, error: AtriumError) -> LastGood | None:
    """The last good answer that comes with the error, if the field may show one that old."""
    kept = error.last_good
    return kept if kept and seam.max_age is not None and kept.age <= seam.max_age else None


def _awaiting(resolver: Callable[..., Awaitable[Any]], seam: Seam, recover: Recover) -> Callable[..., Awaitable[Any]]:
    @wraps(resolver)
    async def answer(self: Any, info: Info, **arguments: Any) -> Any:
        try:
            if (problem := info.context.spared(seam.criticality)) is not None:
                raise problem
            return await resolver(self, info, **arguments)
        except Exception as error:
            return recover(info, error, None)

    return answer


def _asking(
    resolver: Callable[..., Any], ask: Ask, recover: Recover, through: Through
) -> Callable[..., Awaitable[Any]]:
    @wraps(resolver)
    async def answer(self: Any, info: Info, **arguments: Any) -> Any:
        show = None
        try:
            if (asked := ask(self, through(info.context), **arguments)) is None:
                return None
            awaitable, show = asked
            return show(await awaitable)
        except Exception as error:
            return recover(info, error, show)

    made_of(answer, ask, recover, through)
    return answer


def _unless_spared(seam: Seam) -> Through:
    """Has the field ask as it would, or look for what was answered last, or raises why not to."""

    def through(context: Context) -> Context:
        if (problem := context.spared(seam.criticality)) is None:
            return context
        if seam.mode is not DegradeMode.STALE:
            raise problem
        return context.recalling(problem)

    return through
