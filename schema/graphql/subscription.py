"""Where waiting begins: what is told as it happens."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Annotated, Any, TypeVar, cast

import strawberry

from schema.errcode import InvalidArgument
from schema.graphql import ids
from schema.graphql.accounts import Account, account_of
from schema.graphql.activity import Activity
from schema.graphql.info import Info
from schema.graphql.mutation import signed_in
from schema.graphql.ports import Context, Identity
from schema.graphql.seams import SEAMS

Source = TypeVar("Source", bound=Callable[..., AsyncGenerator[Any, None]])


def subscription(description: str) -> Callable[[Source], Source]:
    """A subscription field, with its row of `seams.py`; Strawberry's own decorator has no type for one."""

    def make(source: Source) -> Source:
        shown = [SEAMS[source.__qualname__].directive]
        return cast(Source, strawberry.subscription(source, description=description, directives=shown))

    return make


LastSeen = Annotated[
    strawberry.ID | None,
    strawberry.argument(
        description="Id of the last activity seen: those after it come first. Left out, it begins now."
    ),
]


@strawberry.type(description="Where waiting begins. Every subscription needs somebody who is signed in.")
class Subscription:
    """Where waiting begins."""

    @subscription(
        description="Each new activity of those the viewer follows, once. Ends when another takes over the account."
    )
    async def feed_activity_added(
        self, info: Info, last_seen_id: LastSeen = strawberry.UNSET
    ) -> AsyncGenerator[Activity, None]:
        """Waits for activities of the viewer's feed."""
        viewer, token = await _subscriber(info.context)
        async with aclosing(info.context.push.activities(viewer, token, _number(last_seen_id))) as activities:
            async for message in activities:
                with info.context.event():
                    if await signed_in(info.context) != viewer:
                        return
                    yield Activity(message=message, viewer=viewer)

    @subscription(
        description="The viewer's account after each change of it, from now on. Ends when another takes it over."
    )
    async def account_changed(self, info: Info) -> AsyncGenerator[Account, None]:
        """Waits for changes of the viewer's account."""
        viewer, token = await _subscriber(info.context)
        version: int | None = None
        async with aclosing(info.context.push.account_changes(viewer, token)) as changes:
            async for _ in changes:
                with info.context.event():
                    account = await info.context.loaders.account_by_id.load(viewer.account_id)
                    if account is None or await signed_in(info.context) != viewer:
                        return
                    if version is not None and account.version > version:
                        yield account_of(account, viewer)
                    version = account.version


async def _subscriber(context: Context) -> tuple[Identity, str]:
    """Who subscribes, and by which token; raises Unauthenticated for a guest, who has none."""
    return await signed_in(context), context.token or ""


def _number(last_seen: str | None) -> int:
    """The activity's number; 0 for none."""
    if not last_seen:
        return 0
    number = ids.number_of(ids.Prefix.ACTIVITY, last_seen)
    if not number:
        raise InvalidArgument("lastSeenId", "must be the id of an activity")
    return number
