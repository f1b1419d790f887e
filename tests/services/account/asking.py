"""Who asks the account service, and the questions that are asked most."""

from typing import Any

from schema.generated.account.v1 import account_pb2 as pb
from schema.generated.identity.v1 import identity_pb2
from schema.generated.identity.v1.identity_pb2 import Viewer
from services.account.demo import ADA, BO, PASSWORD, SAM

ADA_ASKS = Viewer(account_id=ADA, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL)
BO_ASKS = Viewer(account_id=BO, account_type=identity_pb2.ACCOUNT_TYPE_CREATOR)
SAM_ASKS = Viewer(account_id=SAM, account_type=identity_pb2.ACCOUNT_TYPE_STAFF)
GUEST_ASKS = Viewer(account_type=identity_pb2.ACCOUNT_TYPE_GUEST)
ACTIVE, CLOSING, CLOSED, MERGED, SUSPENDED = (
    pb.ACCOUNT_STATUS_ACTIVE,
    pb.ACCOUNT_STATUS_CLOSING,
    pb.ACCOUNT_STATUS_CLOSED,
    pb.ACCOUNT_STATUS_MERGED,
    pb.ACCOUNT_STATUS_SUSPENDED,
)


async def sign_in(service: Any, handle: str = "ada") -> str:
    """The token of a new session."""
    return str((await service.SignIn(pb.SignInRequest(handle=handle, password=PASSWORD))).token)


async def verified(service: Any, token: str) -> pb.VerifiedSession:
    """What stands behind the token."""
    reply = await service.BatchVerifySessions(pb.BatchVerifySessionsRequest(tokens=[token]))
    (session,) = reply.sessions
    assert isinstance(session, pb.VerifiedSession)
    return session


async def account(service: Any, account_id: int) -> pb.Account | None:
    """The account that answers to this id."""
    reply = await service.BatchGetAccounts(pb.BatchGetAccountsRequest(ids=[account_id]))
    return reply.accounts[0] if reply.accounts else None


async def search(service: Any, *ids: int) -> list[pb.Account]:
    """The accounts with these ids as staff finds them."""
    return list((await service.SearchAccounts(pb.SearchAccountsRequest(actor=SAM_ASKS, ids=ids, first=100))).accounts)


def close(actor: Viewer = ADA_ASKS, account_id: int = ADA, reason: str = "moving on") -> pb.CloseAccountRequest:
    """Asks to close an account."""
    return pb.CloseAccountRequest(actor=actor, account_id=account_id, reason=reason)


def reopen(actor: Viewer = ADA_ASKS, account_id: int = ADA, reason: str = "") -> pb.ReopenAccountRequest:
    """Asks to reopen an account."""
    return pb.ReopenAccountRequest(actor=actor, account_id=account_id, reason=reason)


def suspend(actor: Viewer = SAM_ASKS, account_id: int = ADA, reason: str = "spam") -> pb.SuspendAccountRequest:
    """Asks to suspend an account."""
    return pb.SuspendAccountRequest(actor=actor, account_id=account_id, reason=reason)


def merge(actor: Viewer = SAM_ASKS, source: int = ADA, target: int = BO, reason: str = "twins") -> pb.StartMergeRequest:
    """Asks to begin a merge."""
    return pb.StartMergeRequest(actor=actor, source_id=source, target_id=target, reason=reason)


def finish(source: int = ADA, target: int = BO) -> pb.FinishMergeRequest:
    """Asks to end a merge."""
    return pb.FinishMergeRequest(source_id=source, target_id=target, actor_id=SAM, reason="twins")
