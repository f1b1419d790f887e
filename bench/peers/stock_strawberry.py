"""Strawberry as its documentation has it: types and resolvers, a DataLoader for each request, its own ASGI view.

It knows of the schema what the home query asks.
`python -m bench.peers.stock_strawberry PORT ACCOUNT PERMISSION BANNER ACTIVITY`, each an address.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from enum import Enum
from typing import Any

import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader

from bench.subjects.serving import serve
from bench.subjects.stubs import Stubs, open_stubs
from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.banner.v1 import banner_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.generated.permission.v1 import permission_pb2

MAY_ACT = (account_pb2.ACCOUNT_STATUS_ACTIVE, account_pb2.ACCOUNT_STATUS_CLOSING)


@strawberry.enum
class AccountType(Enum):
    GUEST = identity_pb2.ACCOUNT_TYPE_GUEST
    PERSONAL = identity_pb2.ACCOUNT_TYPE_PERSONAL
    CREATOR = identity_pb2.ACCOUNT_TYPE_CREATOR
    BUSINESS = identity_pb2.ACCOUNT_TYPE_BUSINESS
    STAFF = identity_pb2.ACCOUNT_TYPE_STAFF


@strawberry.enum
class ActivityKind(Enum):
    POST = activity_pb2.ACTIVITY_KIND_POST
    VIDEO = activity_pb2.ACTIVITY_KIND_VIDEO
    LIKE = activity_pb2.ACTIVITY_KIND_LIKE
    FOLLOW = activity_pb2.ACTIVITY_KIND_FOLLOW
    PURCHASE = activity_pb2.ACTIVITY_KIND_PURCHASE
    SIGN_IN = activity_pb2.ACTIVITY_KIND_SIGN_IN


class Backends:
    """What the schema asks of the backends."""

    def __init__(self, stubs: Stubs) -> None:
        self.stubs = stubs

    async def viewer(self, authorization: str) -> identity_pb2.Viewer:
        wanted = account_pb2.BatchVerifySessionsRequest(tokens=[authorization.removeprefix("Bearer ")])
        [session] = (
            await self.stubs.accounts.BatchVerifySessions(
                wanted, **self.stubs.options("account", "BatchVerifySessions")
            )
        ).sessions
        if session.state != account_pb2.VerifiedSession.STATE_VALID or session.account_status not in MAY_ACT:
            raise PermissionError("not signed in")
        return session.viewer

    async def accounts_by_id(self, ids: list[int]) -> list[account_pb2.Account | None]:
        wanted = account_pb2.BatchGetAccountsRequest(ids=ids)
        reply = await self.stubs.accounts.BatchGetAccounts(wanted, **self.stubs.options("account", "BatchGetAccounts"))
        known = {account.id: account for account in reply.accounts}
        return [known.get(account_id) for account_id in ids]


@dataclass
class Context:
    """What belongs to one request."""

    backends: Backends
    viewer: identity_pb2.Viewer
    accounts: DataLoader[int, account_pb2.Account | None]


Info = strawberry.Info[Context, None]


@strawberry.interface
class Account:
    id: strawberry.ID
    handle: str
    display_name: str


@strawberry.type
class PersonalAccount(Account):
    pass


@strawberry.type
class CreatorAccount(Account):
    pass


@strawberry.type
class BusinessAccount(Account):
    pass


@strawberry.type
class StaffAccount(Account):
    pass


ACCOUNTS: dict[int, type[Account]] = {
    identity_pb2.ACCOUNT_TYPE_PERSONAL: PersonalAccount,
    identity_pb2.ACCOUNT_TYPE_CREATOR: CreatorAccount,
    identity_pb2.ACCOUNT_TYPE_BUSINESS: BusinessAccount,
    identity_pb2.ACCOUNT_TYPE_STAFF: StaffAccount,
}


def account_of(message: account_pb2.Account | None) -> Account | None:
    if message is None:
        return None
    kind = ACCOUNTS[message.type]
    return kind(id=strawberry.ID(f"acc_{message.id}"), handle=message.handle, display_name=message.display_name)


@strawberry.type
class Feature:
    key: str
    title: str
    url: str
    badge: str | None


@strawberry.type
class Banner:
    id: strawberry.ID
    title: str
    image_url: str
    target_url: str


@strawberry.type
class Activity:
    id: strawberry.ID
    kind: ActivityKind
    text: str
    created_at: str
    author_id: strawberry.Private[int]

    @strawberry.field
    async def author(self, info: Info) -> Account | None:
        return account_of(await info.context.accounts.load(self.author_id))


def activity_of(message: activity_pb2.Activity) -> Activity:
    return Activity(
        id=strawberry.ID(f"act_{message.id}"),
        kind=ActivityKind(message.kind),
        text=message.text,
        created_at=message.created_at.ToDatetime(UTC).isoformat(),
        author_id=message.author_id,
    )


@strawberry.type
class ActivityEdge:
    cursor: str
    node: Activity


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class ActivityConnection:
    edges: list[ActivityEdge]
    page_info: PageInfo


@strawberry.interface
class Home:
    @strawberry.field
    async def features(self, info: Info) -> list[Feature]:
        wanted = permission_pb2.BatchListFeaturesRequest(viewers=[info.context.viewer])
        backends = info.context.backends
        reply = await backends.stubs.permissions.BatchListFeatures(
            wanted, **backends.stubs.options("permission", "BatchListFeatures")
        )
        return [
            Feature(key=one.key, title=one.title, url=one.url, badge=one.badge if one.HasField("badge") else None)
            for one in reply.answers[0].features
        ]

    @strawberry.field
    async def banners(self, info: Info) -> list[Banner]:
        viewer, slot = info.context.viewer, banner_pb2.BANNER_SLOT_HOME_TOP
        question = banner_pb2.BatchListBannersRequest.Question(viewer=viewer, slot=slot)
        wanted = banner_pb2.BatchListBannersRequest(questions=[question])
        backends = info.context.backends
        reply = await backends.stubs.banners.BatchListBanners(
            wanted, **backends.stubs.options("banner", "BatchListBanners")
        )
        return [
            Banner(
                id=strawberry.ID(f"ban_{one.id}"),
                title=one.title,
                image_url=one.image_url,
                target_url=one.target_url,
            )
            for answer in reply.answers
            for one in answer.banners
        ]

    @strawberry.field
    async def feed(self, info: Info, first: int = 20) -> ActivityConnection:
        page = activity_pb2.PageRequest(first=first)
        question = activity_pb2.BatchListFeedsRequest.Question(viewer=info.context.viewer, page=page)
        wanted = activity_pb2.BatchListFeedsRequest(questions=[question])
        backends = info.context.backends
        reply = await backends.stubs.activities.BatchListFeeds(
            wanted, **backends.stubs.options("activity", "BatchListFeeds")
        )
        items = reply.pages[0].items
        return ActivityConnection(
            edges=[ActivityEdge(cursor=item.cursor, node=activity_of(item.activity)) for item in items],
            page_info=PageInfo(
                has_next_page=reply.pages[0].has_next_page, end_cursor=items[-1].cursor if items else None
            ),
        )


@strawberry.type
class GuestHome(Home):
    pass


@strawberry.type
class PersonalHome(Home):
    pass


@strawberry.type
class CreatorHome(Home):
    pass


@strawberry.type
class BusinessHome(Home):
    pass


@strawberry.type
class StaffHome(Home):
    pass


HOMES: dict[int, type[Home]] = {
    identity_pb2.ACCOUNT_TYPE_GUEST: GuestHome,
    identity_pb2.ACCOUNT_TYPE_PERSONAL: PersonalHome,
    identity_pb2.ACCOUNT_TYPE_CREATOR: CreatorHome,
    identity_pb2.ACCOUNT_TYPE_BUSINESS: BusinessHome,
    identity_pb2.ACCOUNT_TYPE_STAFF: StaffHome,
}


@strawberry.type
class Viewer:
    type: AccountType

    @strawberry.field
    async def account(self, info: Info) -> Account | None:
        return account_of(await info.context.accounts.load(info.context.viewer.account_id))

    @strawberry.field
    def home(self, info: Info) -> Home:
        return HOMES[info.context.viewer.account_type]()


@strawberry.type
class Query:
    @strawberry.field
    def viewer(self, info: Info) -> Viewer:
        return Viewer(type=AccountType(info.context.viewer.account_type))


class View(GraphQL[Context, None]):
    """Strawberry's own, with a context of ours."""

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        backends: Backends = request.app.state.backends
        viewer = await backends.viewer(request.headers.get("authorization", ""))
        return Context(backends, viewer, DataLoader(load_fn=backends.accounts_by_id))


@asynccontextmanager
async def connected(app: Starlette) -> AsyncIterator[None]:
    async with open_stubs() as stubs:
        app.state.backends = Backends(stubs)
        yield


def create_app() -> Starlette:
    types: list[Any] = [*ACCOUNTS.values(), *HOMES.values()]
    view = View(strawberry.Schema(Query, types=types))
    return Starlette(routes=[Route("/graphql", view)], lifespan=connected)


if __name__ == "__main__":
    serve(create_app(), int(sys.argv[1]), lifespan="on")
