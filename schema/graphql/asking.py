"""Fields that ask one thing: the executor collects what they ask and goes on with each as soon as it is answered."""

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, NoReturn, TypeAlias, TypeVar, get_args, get_origin

from schema.graphql.info import Info
from schema.graphql.ports import Context

Shown = TypeVar("Shown")
Asked: TypeAlias = tuple[Awaitable[Any], Callable[[Any], Shown]]
"""What is asked, and how the answer is shown."""
Show: TypeAlias = Callable[[Any], Any]
Recover: TypeAlias = Callable[[Info, Exception, Show | None], Any]
"""What the field answers in spite of an error; the last is how an answer would be shown, once that is known."""
Through: TypeAlias = Callable[[Context], Context]
"""Makes of the context the one to ask with, or raises why not to ask."""
Ask: TypeAlias = Callable[..., Asked[Any] | None]


def asks(ask: Ask) -> Callable[..., Awaitable[Any]]:
    """Makes a resolver of a function that is given the context; None where it has nothing to ask.

    To whoever calls it, the resolver is an `async def` like any other. The executor calls its parts instead, and spares
    each field a coroutine.
    """

    @wraps(ask)
    async def resolver(self: Any, info: Info, **arguments: Any) -> Any:
        asked = ask(self, info.context, **arguments)
        if asked is None:
            return None
        awaitable, show = asked
        return show(await awaitable)

    resolver.__signature__ = _as_resolver(inspect.signature(ask))  # type: ignore[attr-defined]
    made_of(resolver, ask, _raise)
    return resolver


def made_of(resolver: Callable[..., Any], ask: Ask, recover: Recover, through: Through | None = None) -> None:
    """Tells the executor which parts a resolver is made of; see `gateway/execution/README.md`."""
    resolver.asking = ask, recover, through  # type: ignore[attr-defined]


def what_asks(resolver: Callable[..., Any]) -> Ask | None:
    """The part of a resolver that asks; None for one that is not made of parts."""
    ask, *_ = getattr(resolver, "asking", (None,))
    return ask


def _as_resolver(signature: inspect.Signature) -> inspect.Signature:
    """What Strawberry is to see: an info in place of the context, and what is shown in the end."""
    parameters = [
        parameter.replace(name="info", annotation=Info) if name == "context" else parameter
        for name, parameter in signature.parameters.items()
    ]
    answer = signature.return_annotation
    asked = answer if get_origin(answer) is tuple else get_args(answer)[0]
    _, show = get_args(asked)
    return signature.replace(parameters=parameters, return_annotation=get_args(show)[-1])


def _raise(_info: Info, error: Exception, _show: Show | None) -> NoReturn:
    raise error
