"""Which fields can do without their backend, and what they answer then.

A field that stands here never puts an entry into `errors` because a backend is down: it answers the default and adds
an entry to `extensions.degraded`. Where too little time is left it does so at once. A field that does not stand here
fails. What the client did wrong is always an error.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, TypeVar, cast

from schema.errcode import BackendUnavailable, DeadlineExceeded, Internal, Overloaded
from schema.graphql.asking import Asked, made_of, what_asks
from schema.graphql.info import Info
from schema.graphql.ports import Context, Degradation

Resolver = TypeVar("Resolver", bound=Callable[..., Awaitable[Any]])


@dataclass(frozen=True, slots=True)
class Seam:
    """A field that can do without its backend."""

    backend: str
    """The backend that the field asks, named when the failure does not say which one it was."""
    default: object = None
    """What the field answers when the backend cannot."""

    @property
    def mode(self) -> Literal["DEFAULT", "NULL"]:
        """How `extensions.degraded` calls it."""
        return "NULL" if self.default is None else "DEFAULT"


SEAMS: dict[str, Seam] = {
    "Viewer.account": Seam("account"),
    "Viewer.can": Seam("permission", default=False),
    "Account.follower_count": Seam("activity"),
    "Account.following_count": Seam("activity"),
    "PersonalAccount.birthday": Seam("account"),
    "Activity.author": Seam("account"),
    "Home.features": Seam("permission"),
    "Home.banners": Seam("banner"),
    "Home.feed": Seam("activity"),
    "PersonalHome.suggestions": Seam("activity"),
    "CreatorHome.audience": Seam("activity"),
    "CreatorHome.own_activities": Seam("activity"),
    "BusinessHome.team": Seam("account"),
    "BusinessHome.reach": Seam("activity"),
    "StaffHome.pending_closures": Seam("account"),
}
"""Every such field, by the name of its resolver."""

UNANSWERED = (BackendUnavailable, DeadlineExceeded, Overloaded, Internal)
"""The errors that say a backend could not answer; any other is an answer."""


def degrades(resolver: Resolver) -> Resolver:
    """The resolver, answering as its row of SEAMS says when the backend cannot."""
    seam = SEAMS[resolver.__qualname__]

    @wraps(resolver)
    async def answer(self: Any, info: Info, **arguments: Any) -> Any:
        try:
            unless_spared(info.context)
            return await resolver(self, info, **arguments)
        except Exception as error:
            return recover(info, error)

    def recover(info: Info, error: Exception) -> Any:
        if not isinstance(error, UNANSWERED):
            raise error
        path = info.path.as_list()
        info.context.degraded.append(Degradation(path, error.backend or seam.backend, seam.mode, error.code))
        return seam.default

    if (ask := what_asks(resolver)) is not None:

        def ask_unless_spared(self: Any, context: Context, **arguments: Any) -> Asked[Any] | None:
            unless_spared(context)
            return ask(self, context, **arguments)

        made_of(answer, ask_unless_spared, recover)
    return cast(Resolver, answer)


def unless_spared(context: Context) -> None:
    """Raises what says that too little time is left to ask for what an answer can do without."""
    if (problem := context.spared()) is not None:
        raise problem
