"""Closing an account and undoing it, and an account that another took over, as a client of the gateway sees them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from schema.generated.account.v1 import account_pb2 as pb
from schema.generated.account.v1.account_pb2_grpc import AccountServiceStub
from schema.generated.identity.v1.identity_pb2 import ACCOUNT_TYPE_STAFF, Viewer
from services.runtime.channels import open_channel
from services.runtime.telemetry import Metrics
from tests.gateway.conftest import House

CLOSE = "mutation ($reason: String!) { closeAccount(reason: $reason) { id status version } }"
REOPEN = "mutation { reopenAccount { id status version } }"
ME = "{ viewer { account { id status version } } }"
PENDING = "{ viewer { home { ... on StaffHome { pendingClosures { id } } } } }"


async def pending(house: House) -> list[str]:
    home = (await house.data(PENDING, "sam"))["viewer"]["home"]
    return [account["id"] for account in home["pendingClosures"]]


async def test_an_account_is_closed_and_reopened_by_its_owner(house: House) -> None:
    closing = {"id": "acc_1", "status": "CLOSING", "version": 2}
    assert await house.data(CLOSE, "ada", reason="moving on") == {"closeAccount": closing}
    assert (await house.data(ME, "ada"))["viewer"]["account"] == closing
    assert await pending(house) == ["acc_51", "acc_1", "acc_50", "acc_52"]
    active = {"id": "acc_1", "status": "ACTIVE", "version": 3}
    assert await house.data(REOPEN, "ada") == {"reopenAccount": active}
    assert (await house.data(ME, "ada"))["viewer"]["account"] == active
    assert await pending(house) == ["acc_51", "acc_50", "acc_52"]


async def test_what_cannot_be_closed_or_reopened_says_why(house: House) -> None:
    before = (await house.data(ME, "ada"))["viewer"]["account"]
    for reason in (" ", "\u200b"):
        assert await house.error(CLOSE, "ada", reason=reason) == (4000100, "reason: must not be blank")
    for reason in ("", "x" * 501):
        code, message = await house.error(CLOSE, "ada", reason=reason)
        assert (code, message.partition(":")[0]) == (4000100, "reason")
    assert (await house.error(CLOSE, reason="why"))[0] == 4010100
    assert (await house.error(REOPEN))[0] == 4010100
    message = "the account is ACTIVE: there is no closure or suspension to undo"
    assert await house.error(REOPEN, "ada") == (4090300, message)
    assert (await house.data(ME, "ada"))["viewer"]["account"] == before
    await house.data(CLOSE, "ada", reason="moving on")
    message = "the account is CLOSING: only an ACTIVE one can be closed"
    assert await house.error(CLOSE, "ada", reason="again") == (4090300, message)


@asynccontextmanager
async def account_backend(house: House, caller: str) -> AsyncIterator[Any]:
    """The account backend, as another backend calls it."""
    backends = house.backends
    who, address = backends.trust.caller(caller), backends.addresses["account"]
    async with open_channel("account", address, Metrics(), who) as channel:
        yield AccountServiceStub(channel)


def sam(house: House) -> Viewer:
    return house.backends.trust.issuer.viewer(4, ACCOUNT_TYPE_STAFF)


async def start_merge(house: House, source_id: int, target_id: int) -> None:
    request = pb.StartMergeRequest(actor=sam(house), source_id=source_id, target_id=target_id, reason="twins")
    async with account_backend(house, "admin") as service:
        await service.StartMerge(request)


async def merge(house: House, source_id: int, target_id: int) -> None:
    """Merges two accounts, as far as the account backend is concerned."""
    await start_merge(house, source_id, target_id)
    async with account_backend(house, "job") as service:
        await service.MoveSessions(pb.MoveSessionsRequest(source_id=source_id, target_id=target_id))
        await service.FinishMerge(pb.FinishMergeRequest(source_id=source_id, target_id=target_id))


async def test_whoever_took_over_answers_to_the_id_the_handle_and_the_sessions(house: House) -> None:
    await merge(house, 1, 2)
    found = await house.data(
        '{ account(id: "acc_1") { id } accountByHandle(handle: "Ada") { id } node(id: "acc_1") { id }'
        ' accounts(ids: ["acc_2", "acc_1", "acc_3"]) { id } viewer { account { id handle } } }',
        "ada",
    )
    assert found == {
        "account": {"id": "acc_2"},
        "accountByHandle": {"id": "acc_2"},
        "node": {"id": "acc_2"},
        "accounts": [{"id": "acc_2"}, {"id": "acc_2"}, {"id": "acc_3"}],
        "viewer": {"account": {"id": "acc_2", "handle": "bo"}},
    }


async def test_while_it_is_being_merged_an_account_does_nothing(house: House) -> None:
    await start_merge(house, 1, 2)
    for operation in (ME, REOPEN):
        assert (await house.error(operation, "ada"))[0] == 4030200
    assert (await house.error(CLOSE, "ada", reason="why"))[0] == 4030200


async def test_a_suspension_ends_the_sessions_of_the_account(house: House) -> None:
    async with account_backend(house, "admin") as service:
        await service.SuspendAccount(pb.SuspendAccountRequest(actor=sam(house), account_id=1, reason="spam"))
    assert (await house.error(ME, "ada"))[0] == 4010100
