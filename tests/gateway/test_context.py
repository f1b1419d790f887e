import asyncio
from typing import Any, cast

import pytest

from gateway.context import LEAST_SECONDS, OperationContext, bearer_token, identity_of, type_name
from schema import errcode
from schema.generated.account.v1 import account_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.graphql.admin.ports import Desk
from schema.graphql.ports import GUEST, Commands, Identity, Loaders
from schema.graphql.seams import Criticality
from services.runtime.deadline import deadline_in
from tests.gateway.push.fakes import Silent

ADA = identity_pb2.Viewer(account_id=1, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL)


class FakeSessions:
    """Knows one token; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.session_by_token = self

    async def load(self, token: str) -> account_pb2.VerifiedSession:
        self.asked.append(token)
        if token == "open":
            return session(account_pb2.ACCOUNT_STATUS_ACTIVE)
        return account_pb2.VerifiedSession(state=account_pb2.VerifiedSession.STATE_UNKNOWN)


class FakeClients:
    def __init__(self) -> None:
        self.made: list[FakeSessions] = []

    def loaders(self) -> Loaders:
        self.made.append(FakeSessions())
        return cast(Loaders, self.made[-1])

    def recalling(self, problem: errcode.AtriumError) -> Loaders:
        return cast(Loaders, ("recalling", problem))

    def commands(self) -> Commands:
        return cast(Commands, None)

    def admin(self) -> Desk:
        return cast(Desk, None)


def session(status: "account_pb2.AccountStatus.ValueType") -> account_pb2.VerifiedSession:
    return account_pb2.VerifiedSession(state=account_pb2.VerifiedSession.STATE_VALID, viewer=ADA, account_status=status)


def context_of(authorization: str | None, clients: Any = None) -> OperationContext:
    return OperationContext(clients or FakeClients(), Silent(), authorization, "here")


@pytest.mark.parametrize("authorization", ["Bearer open", "bearer open", "  BEARER   open  "])
async def test_a_session_token_says_who_is_asking(authorization: str) -> None:
    context = context_of(authorization)
    assert context.viewer == "-"
    assert await context.identity() == Identity(1, identity_pb2.ACCOUNT_TYPE_PERSONAL)
    assert context.viewer == "PERSONAL"


async def test_nobody_is_asked_before_somebody_wants_to_know() -> None:
    clients = FakeClients()
    assert context_of("Bearer open", clients).token == "open"
    assert clients.made == []


async def test_without_a_token_a_guest_asks_and_no_backend_is_called() -> None:
    clients = FakeClients()
    context = context_of(None, clients)
    assert await context.identity() == GUEST
    assert context.viewer == "GUEST"
    assert clients.made == []


async def test_an_unknown_token_is_refused() -> None:
    with pytest.raises(errcode.Unauthenticated, match="nobody is signed in with this token"):
        await context_of("Bearer other").identity()


@pytest.mark.parametrize("authorization", ["", "Basic b3Blbg==", "Bearer", "Bearer  ", "open", "Bearer " + "x" * 4097])
async def test_a_header_that_holds_no_token_of_ours_is_refused_unasked(authorization: str) -> None:
    clients = FakeClients()
    context = context_of(authorization, clients)
    assert context.token is None
    with pytest.raises(errcode.Unauthenticated, match="authorization: must be Bearer"):
        await context.identity()
    assert clients.made == []


async def test_renewing_puts_fresh_loaders_in_place() -> None:
    clients = FakeClients()
    context = context_of("Bearer open", clients)
    await context.identity()
    context.renew()
    await context.identity()
    assert [loaders.asked for loaders in clients.made] == [["open"], ["open"]]


def test_the_same_operation_may_go_on_without_asking_anybody() -> None:
    context, problem = context_of(None), errcode.Overloaded()
    recalling = context.recalling(problem)
    assert cast(Any, recalling.loaders) == ("recalling", problem)
    assert recalling.degraded is context.degraded
    assert context.recalling(errcode.Overloaded()) is recalling
    assert context.recalling(errcode.DeadlineExceeded()) is not recalling
    context.renew()
    assert context.recalling(problem) is not recalling


def test_the_longest_token_still_passes() -> None:
    assert bearer_token("Bearer " + "x" * 4096) == "x" * 4096


@pytest.mark.parametrize("token", ["a\x7fb", "é", "a\x01"])
def test_a_token_of_strange_characters_is_none(token: str) -> None:
    assert bearer_token(f"Bearer {token}") is None


def test_an_expired_session_says_so() -> None:
    with pytest.raises(errcode.TokenExpired):
        identity_of(account_pb2.VerifiedSession(state=account_pb2.VerifiedSession.STATE_EXPIRED))


@pytest.mark.parametrize(
    "status",
    [
        account_pb2.ACCOUNT_STATUS_CLOSED,
        account_pb2.ACCOUNT_STATUS_MERGED,
        account_pb2.ACCOUNT_STATUS_SUSPENDED,
        account_pb2.ACCOUNT_STATUS_UNSPECIFIED,
    ],
)
def test_an_account_that_may_not_act_is_refused(status: "account_pb2.AccountStatus.ValueType") -> None:
    with pytest.raises(errcode.AccountClosed):
        identity_of(session(status))


def test_an_account_in_its_cooling_off_period_may_act() -> None:
    assert identity_of(session(account_pb2.ACCOUNT_STATUS_CLOSING)).account_id == 1


def test_a_type_newer_than_this_gateway_is_named_by_its_number() -> None:
    assert type_name(77) == "TYPE_77"


async def test_a_field_is_looked_at_once_in_a_turn_unless_it_is_left_out() -> None:
    looked: list[Criticality] = []
    spared: set[Criticality] = {Criticality.BANNERS}

    def spares(criticality: Criticality) -> errcode.AtriumError | None:
        looked.append(criticality)
        return errcode.Overloaded() if criticality in spared else None

    context = OperationContext(FakeClients(), Silent(), None, "here", spares)
    assert [context.spared(Criticality.FEED) for _ in range(3)] == [None] * 3
    assert [type(context.spared(Criticality.BANNERS)) for _ in range(2)] == [errcode.Overloaded] * 2
    spared.add(Criticality.FEED)
    assert context.spared(Criticality.FEED) is None
    await asyncio.sleep(0)
    assert isinstance(context.spared(Criticality.FEED), errcode.Overloaded)
    assert looked == [Criticality.FEED, Criticality.BANNERS, Criticality.BANNERS, Criticality.FEED]


async def test_with_no_time_left_a_field_that_was_not_looked_at_is_left_out() -> None:
    context = context_of(None)
    assert context.spared(Criticality.FEED) is None
    with deadline_in(LEAST_SECONDS / 2):
        assert isinstance(context.spared(Criticality.FEATURES), errcode.DeadlineExceeded)
