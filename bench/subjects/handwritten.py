"""What somebody would write by hand for this one page: Starlette, the gRPC stubs, a dict, orjson.

It asks the same six questions, verifies the same token, waits for the same things, and answers the same JSON; it
knows nothing else: no other query, no degrading, no log line, no trace.
`python -m bench.subjects.handwritten PORT ACCOUNT PERMISSION BANNER ACTIVITY`, each an address.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.subjects.serving import serve
from bench.subjects.stubs import Stubs, open_stubs
from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.banner.v1 import banner_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.generated.permission.v1 import permission_pb2

MAY_ACT = (account_pb2.ACCOUNT_STATUS_ACTIVE, account_pb2.ACCOUNT_STATUS_CLOSING)
TYPES = {value.number: value.name.removeprefix("ACCOUNT_TYPE_") for value in identity_pb2.AccountType.DESCRIPTOR.values}
ACCOUNT_NAMES = {number: f"{name.title()}Account" for number, name in TYPES.items()}
HOME_NAMES = {number: f"{name.title()}Home" for number, name in TYPES.items()}
KINDS = {
    value.number: value.name.removeprefix("ACTIVITY_KIND_") for value in activity_pb2.ActivityKind.DESCRIPTOR.values
}
Json = dict[str, Any]


class Aggregator:
    """The home page, from four backends."""

    def __init__(self, stubs: Stubs) -> None:
        self._stubs = stubs

    async def home(self, token: str) -> Json | None:
        """The answer to the bearer of the token; None when it lets nobody in."""
        viewer = await self.viewer(token)
        if viewer is None:
            return None
        async with asyncio.TaskGroup() as group:
            own = group.create_task(self.accounts([viewer.account_id]))
            features = group.create_task(self.features(viewer))
            banners = group.create_task(self.banners(viewer))
            feed = group.create_task(self.feed(viewer))
        home = {
            "__typename": HOME_NAMES[viewer.account_type],
            "features": features.result(),
            "banners": banners.result(),
            "feed": feed.result(),
        }
        account = own.result().get(viewer.account_id)
        return {"data": {"viewer": {"type": TYPES[viewer.account_type], "account": account, "home": home}}}

    async def viewer(self, token: str) -> identity_pb2.Viewer | None:
        reply = await self._stubs.accounts.BatchVerifySessions(
            account_pb2.BatchVerifySessionsRequest(tokens=[token]),
            **self._stubs.options("account", "BatchVerifySessions"),
        )
        session = reply.sessions[0]
        valid = session.state == account_pb2.VerifiedSession.STATE_VALID and session.account_status in MAY_ACT
        return session.viewer if valid else None

    async def accounts(self, ids: list[int]) -> dict[int, Json]:
        wanted = account_pb2.BatchGetAccountsRequest(ids=ids)
        reply = await self._stubs.accounts.BatchGetAccounts(
            wanted, **self._stubs.options("account", "BatchGetAccounts")
        )
        return {account.id: account_json(account) for account in reply.accounts}

    async def features(self, viewer: identity_pb2.Viewer) -> list[Json]:
        reply = await self._stubs.permissions.BatchListFeatures(
            permission_pb2.BatchListFeaturesRequest(viewers=[viewer]),
            **self._stubs.options("permission", "BatchListFeatures"),
        )
        return [feature_json(feature) for feature in reply.answers[0].features]

    async def banners(self, viewer: identity_pb2.Viewer) -> list[Json]:
        question = banner_pb2.BatchListBannersRequest.Question(viewer=viewer, slot=banner_pb2.BANNER_SLOT_HOME_TOP)
        reply = await self._stubs.banners.BatchListBanners(
            banner_pb2.BatchListBannersRequest(questions=[question]),
            **self._stubs.options("banner", "BatchListBanners"),
        )
        return [banner_json(banner) for answer in reply.answers for banner in answer.banners]

    async def feed(self, viewer: identity_pb2.Viewer) -> Json:
        page = activity_pb2.PageRequest(first=20)
        question = activity_pb2.BatchListFeedsRequest.Question(viewer=viewer, page=page)
        reply = await self._stubs.activities.BatchListFeeds(
            activity_pb2.BatchListFeedsRequest(questions=[question]),
            **self._stubs.options("activity", "BatchListFeeds"),
        )
        items = reply.pages[0].items
        authors = await self.accounts(list({item.activity.author_id: None for item in items})) if items else {}
        return {
            "edges": [{"cursor": item.cursor, "node": activity_json(item.activity, authors)} for item in items],
            "pageInfo": {
                "hasNextPage": reply.pages[0].has_next_page,
                "endCursor": items[-1].cursor if items else None,
            },
        }


def account_json(account: account_pb2.Account) -> Json:
    return {
        "id": f"acc_{account.id}",
        "handle": account.handle,
        "displayName": account.display_name,
        "__typename": ACCOUNT_NAMES[account.type],
    }


def feature_json(feature: permission_pb2.Feature) -> Json:
    badge = feature.badge if feature.HasField("badge") else None
    return {"key": feature.key, "title": feature.title, "url": feature.url, "badge": badge}


def banner_json(banner: banner_pb2.Banner) -> Json:
    return {
        "id": f"ban_{banner.id}",
        "title": banner.title,
        "imageUrl": banner.image_url,
        "targetUrl": banner.target_url,
    }


def activity_json(activity: activity_pb2.Activity, authors: dict[int, Json]) -> Json:
    return {
        "id": f"act_{activity.id}",
        "kind": KINDS[activity.kind],
        "text": activity.text,
        "createdAt": activity.created_at.ToDatetime(UTC).isoformat(),
        "author": authors.get(activity.author_id),
    }


async def answer(request: Request) -> Response:
    """Reads the request as a gateway must, then answers the one page it knows."""
    orjson.loads(await request.body())
    _, _, token = request.headers.get("authorization", "").partition(" ")
    home = await request.app.state.aggregator.home(token)
    if home is None:
        return Response(status_code=401)
    return Response(orjson.dumps(home), media_type="application/graphql-response+json")


@asynccontextmanager
async def connected(app: Starlette) -> AsyncIterator[None]:
    async with open_stubs() as stubs:
        app.state.aggregator = Aggregator(stubs)
        yield


if __name__ == "__main__":
    routes = [Route("/graphql", answer, methods=["POST"])]
    serve(Starlette(routes=routes, lifespan=connected), int(sys.argv[1]), lifespan="on")
