"""Where reading begins."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeAlias

import strawberry

from schema.errcode import AccountNotFound, ActivityNotFound, InvalidArgument
from schema.generated.account.v1 import account_pb2
from schema.graphql import arguments, ids
from schema.graphql.accounts import Account, account_of
from schema.graphql.activity import Activity
from schema.graphql.admin.query import Admin, admitted
from schema.graphql.cache_control import PRIVATE
from schema.graphql.cost import ListSize
from schema.graphql.field import field
from schema.graphql.info import Info
from schema.graphql.node import Node
from schema.graphql.ports import ActivityKey, Loaders
from schema.graphql.viewer import Viewer

Id: TypeAlias = Annotated[strawberry.ID, strawberry.argument(name="id", description="Its id.")]
Ids: TypeAlias = Annotated[
    list[strawberry.ID], strawberry.argument(name="ids", description="At most 200; any may be repeated.")
]
Handle: TypeAlias = Annotated[str, strawberry.argument(description="Its handle; compared without case.")]


async def existing_account(loaders: Loaders, account_id: str) -> account_pb2.Account:
    """The account with this public id; raises AccountNotFound when there is none to see."""
    number = ids.number_of(ids.Prefix.ACCOUNT, account_id)
    found = await loaders.account_by_id.load(number) if number else None
    if found is None:
        raise AccountNotFound(account_id)
    return found


async def _account_node(info: Info, number: int) -> Node:
    return account_of(await existing_account(info.context.loaders, ids.encode(ids.Prefix.ACCOUNT, number)))


async def _activity_node(info: Info, number: int) -> Node:
    viewer = await info.context.identity()
    found = await info.context.loaders.activity.load(ActivityKey(viewer, number))
    if found is None:
        raise ActivityNotFound(ids.encode(ids.Prefix.ACTIVITY, number))
    return Activity(message=found, viewer=viewer)


NODES: dict[ids.Prefix, Callable[[Info, int], Awaitable[Node]]] = {
    ids.Prefix.ACCOUNT: _account_node,
    ids.Prefix.ACTIVITY: _activity_node,
}
"""How `node` finds what an id is of."""


@strawberry.type(description="Where reading begins.")
class Query:
    """Where reading begins. Nothing stands above these fields that could do without them: each fails as it fails."""

    @field(description="Whoever is asking.", cache=PRIVATE)
    async def viewer(self, info: Info) -> Viewer:
        """Whoever the request's token belongs to."""
        return Viewer(identity=await info.context.identity())

    @field(description="The account with this id. ACCOUNT_NOT_FOUND when there is none.", cost=1)
    async def account(self, info: Info, account_id: Id) -> Account | None:
        """Asks for one account."""
        return account_of(await existing_account(info.context.loaders, arguments.not_empty("id", account_id)))

    @field(description="The account with this handle. ACCOUNT_NOT_FOUND when there is none.", cost=1)
    async def account_by_handle(self, info: Info, handle: Handle) -> Account | None:
        """Asks for one account."""
        found = await info.context.loaders.account_by_handle.load(arguments.name("handle", handle))
        if found is None:
            raise AccountNotFound(handle)
        return account_of(found)

    @field(
        description="The accounts with these ids, in their order; null where there is none.",
        cost=1,
        size=ListSize(slicing_arguments=["ids"]),
    )
    async def accounts(self, info: Info, account_ids: Ids) -> list[Account | None]:
        """Asks for all of them in one call."""
        numbers = [ids.number_of(ids.Prefix.ACCOUNT, one) for one in arguments.id_list(account_ids)]
        asked = [number for number in numbers if number]
        found = dict(zip(asked, await info.context.loaders.account_by_id.load_many(asked), strict=True))
        messages = [found.get(number) if number else None for number in numbers]
        return [account_of(message) if message else None for message in messages]

    @field(
        description="What staff may read. PERMISSION_DENIED for whoever has none of admin.accounts.read, "
        "admin.accounts.write, admin.accounts.close, admin.activities.read and admin.permissions.grant.",
        cache=PRIVATE,
    )
    async def admin(self, info: Info) -> Admin:
        """Opens the door for whoever has something to do behind it."""
        return Admin(viewer=await admitted(info.context))

    @field(
        description="Whatever has this id: an account or an activity. Its NOT_FOUND when there is none.", cache=PRIVATE
    )
    async def node(self, info: Info, node_id: Id) -> Node | None:
        """Asks for one account or one activity, as the id says."""
        prefix, number = ids.decode(node_id) or (None, 0)
        if prefix not in NODES:
            raise InvalidArgument("id", "must be the id of an account or an activity")
        return await NODES[prefix](info, number)
