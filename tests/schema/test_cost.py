"""What an operation costs: one RPC per question, whatever the number of items, and side by side where it can be."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from loaders import Clients, open_clients
from schema.generated.account.v1 import account_pb2
from schema.generated.activity.v1 import activity_pb2
from schema.generated.banner.v1 import banner_pb2
from schema.generated.permission.v1 import permission_pb2
from schema.graphql.ports import Degradation, Identity
from schema.graphql.schema import create_schema
from schema.graphql.seams import Criticality
from services.runtime.telemetry import Metrics
from tests.loaders.fakes import FakeChannel, channels
from tests.schema.fakes import ADA, activity

HOME = """{ viewer { type account { id handle displayName __typename } home { __typename
    features { key title url badge } banners { id title imageUrl targetUrl }
    feed(first: 20) { edges { cursor node { id kind text createdAt author { %s } } }
                      pageInfo { hasNextPage endCursor } } } } }"""
AUTHOR = "id handle displayName __typename"
SIDE_BY_SIDE = ("BatchGetAccounts", "BatchListFeatures", "BatchListBanners", "BatchListFeeds")


def accounts(request: Any) -> account_pb2.BatchGetAccountsResponse:
    found = [account_pb2.Account(id=one, type=ADA.account_type, handle=f"h{one}") for one in request.ids]
    return account_pb2.BatchGetAccountsResponse(accounts=found)


def features(request: Any) -> permission_pb2.BatchListFeaturesResponse:
    answer = permission_pb2.BatchListFeaturesResponse.Answer(viewer=request.viewers[0])
    return permission_pb2.BatchListFeaturesResponse(answers=[answer])


def feeds(request: Any) -> activity_pb2.BatchListFeedsResponse:
    done = [activity(number, 100 + number) for number in range(1, request.questions[0].page.first + 1)]
    items = [activity_pb2.ActivityPage.Item(cursor=str(one.id), activity=one) for one in done]
    return activity_pb2.BatchListFeedsResponse(pages=[activity_pb2.ActivityPage(items=items, question=1)])


def counts(request: Any) -> activity_pb2.BatchGetFollowCountsResponse:
    one = activity_pb2.BatchGetFollowCountsResponse.FollowCounts
    found = [one(account_id=number, followers=number) for number in request.account_ids]
    return activity_pb2.BatchGetFollowCountsResponse(counts=found)


def sessions(_: Any) -> account_pb2.BatchVerifySessionsResponse:
    session = account_pb2.VerifiedSession(state=account_pb2.VerifiedSession.STATE_VALID, question=1)
    session.viewer.account_id, session.viewer.account_type = ADA.account_id, ADA.account_type
    return account_pb2.BatchVerifySessionsResponse(sessions=[session])


class CountedContext:
    """One operation of Ada's token over backends that are counted."""

    def __init__(self, clients: Clients) -> None:
        self.token = "token"
        self.loaders = clients.loaders()
        self.commands = clients.commands()
        self.degraded: list[Degradation] = []

    async def identity(self) -> Identity:
        session = await self.loaders.session_by_token.load(self.token)
        return Identity(session.viewer.account_id, session.viewer.account_type)

    def spared(self, _criticality: Criticality) -> None:
        return None

    def renew(self) -> None:
        raise AssertionError("nothing is changed here")


async def run(document: str, before_answering: Any = None) -> tuple[FakeChannel, Any]:
    channel, everywhere = channels(
        BatchVerifySessions=sessions,
        BatchGetAccounts=accounts,
        BatchListFeatures=features,
        BatchListBanners=lambda _: banner_pb2.BatchListBannersResponse(),
        BatchListFeeds=feeds,
        BatchGetFollowCounts=counts,
    )
    channel.before_answering = before_answering
    async with open_clients(everywhere, Metrics()) as clients:
        context = CountedContext(clients)
        result = await create_schema().execute(document, context_value=context)
    assert result.errors is None
    assert context.degraded == []
    return channel, result.data


async def test_the_home_query_costs_six_calls() -> None:
    channel, data = await run(HOME % AUTHOR)
    assert Counter(name for name, _ in channel.calls) == {
        "BatchVerifySessions": 1,
        "BatchGetAccounts": 2,
        "BatchListFeatures": 1,
        "BatchListBanners": 1,
        "BatchListFeeds": 1,
    }
    authors = [edge["node"]["author"]["id"] for edge in data["viewer"]["home"]["feed"]["edges"]]
    assert authors == [f"acc_{100 + number}" for number in range(1, 21)]


async def test_what_needs_no_other_answer_is_asked_side_by_side() -> None:
    together = asyncio.Barrier(len(SIDE_BY_SIDE))
    met: list[str] = []

    async def meet(name: str) -> None:
        if name in SIDE_BY_SIDE and name not in met:
            met.append(name)
            await asyncio.wait_for(together.wait(), 60)

    await run(HOME % AUTHOR, meet)
    assert sorted(met) == sorted(SIDE_BY_SIDE)


@pytest.mark.parametrize("first", [1, 20, 100])
async def test_follower_counts_of_any_number_of_authors_are_one_call(first: int) -> None:
    channel, data = await run((HOME % "id followerCount followingCount").replace("20", str(first)))
    assert Counter(name for name, _ in channel.calls)["BatchGetFollowCounts"] == 1
    assert len(channel.calls) == 7
    assert len(data["viewer"]["home"]["feed"]["edges"]) == first
