"""What is asked of the account backend."""

from collections.abc import Hashable, Mapping
from functools import partial

import grpc.aio

from loaders.batching import UNANSWERED, Question, by_place, declared_scope, to_viewer
from schema.generated.account.v1 import account_pb2 as pb
from schema.generated.account.v1.account_pb2_grpc import AccountServiceStub
from schema.graphql.ports import ClosuresKey, Identity, PrivateKey
from services.runtime import subjects
from services.runtime.subjects import Changing, nothing_kept

BACKEND = "account"
MOST_TOKENS = 500
"""How many tokens of four kilobytes fit into a call."""
_scope = partial(declared_scope, pb.DESCRIPTOR)


class AccountQuestions:
    """The questions to the account backend."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = AccountServiceStub(channel)
        self.account_by_id = Question[int, pb.Account | None](
            "account_by_id",
            BACKEND,
            self._by_id,
            missing=None,
            scope=_scope("BatchGetAccounts"),
        )
        self.account_by_handle = Question[str, pb.Account | None](
            "account_by_handle",
            BACKEND,
            self._by_handle,
            missing=None,
            scope=_scope("BatchGetAccountsByHandle"),
            echo=subjects.small,
        )
        self.private_attributes = Question[PrivateKey, pb.PrivateAttributes | None](
            "private_attributes",
            BACKEND,
            self._private_attributes,
            missing=None,
            scope=_scope("BatchGetPrivateAttributes"),
            echo=lambda key: (key.viewer.account_id, key.account_id),
        )
        self.team = Question[int, tuple[int, ...]](
            "team",
            BACKEND,
            self._teams,
            missing=(),
            scope=_scope("BatchListTeams"),
        )
        self.pending_closures = Question[ClosuresKey, tuple[int, ...]](
            "pending_closures",
            BACKEND,
            self._pending_closures,
            missing=(),
            scope=_scope("BatchListPendingClosures"),
            echo=lambda key: (key.viewer.account_id, key.first),
        )
        self.session_by_token = Question[str, pb.VerifiedSession](
            "session_by_token",
            BACKEND,
            self._sessions,
            missing=UNANSWERED,
            scope=_scope("BatchVerifySessions"),
            most=MOST_TOKENS,
        )

    async def _by_id(self, ids: list[int]) -> Mapping[Hashable, pb.Account]:
        reply = await self._stub.BatchGetAccounts(pb.BatchGetAccountsRequest(ids=ids))
        found: dict[Hashable, pb.Account] = {account.id: account for account in reply.accounts}
        return found | {merged: found[target] for merged, target in reply.merged.items() if target in found}

    async def _by_handle(self, handles: list[str]) -> Mapping[Hashable, pb.Account]:
        reply = await self._stub.BatchGetAccountsByHandle(pb.BatchGetAccountsByHandleRequest(handles=handles))
        found = {account.id: account for account in reply.accounts}
        named: dict[Hashable, pb.Account] = {account.handle.lower(): account for account in reply.accounts}
        return named | {handle: found[target] for handle, target in reply.merged.items() if target in found}

    async def _private_attributes(self, keys: list[PrivateKey]) -> Mapping[Hashable, pb.PrivateAttributes]:
        ask = pb.BatchGetPrivateAttributesRequest.Question
        questions = [ask(viewer=to_viewer(key.viewer), account_id=key.account_id) for key in keys]
        request = pb.BatchGetPrivateAttributesRequest(questions=questions)
        reply = await self._stub.BatchGetPrivateAttributes(request)
        return {(answer.viewer_account_id, answer.account_id): answer.attributes for answer in reply.answers}

    async def _teams(self, business_ids: list[int]) -> Mapping[Hashable, tuple[int, ...]]:
        reply = await self._stub.BatchListTeams(pb.BatchListTeamsRequest(business_ids=business_ids))
        return {team.business_id: tuple(team.account_ids) for team in reply.teams}

    async def _pending_closures(self, keys: list[ClosuresKey]) -> Mapping[Hashable, tuple[int, ...]]:
        ask = pb.BatchListPendingClosuresRequest.Question
        questions = [ask(viewer=to_viewer(key.viewer), first=key.first) for key in keys]
        request = pb.BatchListPendingClosuresRequest(questions=questions)
        reply = await self._stub.BatchListPendingClosures(request)
        return {(answer.viewer_account_id, answer.first): tuple(answer.account_ids) for answer in reply.answers}

    async def _sessions(self, tokens: list[str]) -> Mapping[Hashable, pb.VerifiedSession]:
        reply = await self._stub.BatchVerifySessions(pb.BatchVerifySessionsRequest(tokens=tokens))
        return by_place(tokens, reply.sessions)


class AccountCommands:
    """What changes something in the account backend."""

    def __init__(self, channel: grpc.aio.Channel, changing: Changing = nothing_kept) -> None:
        self._accounts = AccountServiceStub(channel)
        self._changing = changing

    async def sign_in(self, handle: str, password: str) -> pb.SignInResponse:
        """Opens a session."""
        return await self._accounts.SignIn(pb.SignInRequest(handle=handle, password=password))

    async def sign_out(self, token: str) -> bool:
        """Ends a session; whether one was open until now."""
        async with self._changing(subjects.session(token)):
            return (await self._accounts.SignOut(pb.SignOutRequest(token=token))).ended

    async def update_profile(
        self,
        viewer: Identity,
        *,
        version: int,
        display_name: str | None = None,
        handle: str | None = None,
        avatar_url: str | None = None,
        bio: str | None = None,
    ) -> pb.Account:
        """Changes what is not None of the viewer's account; the account as it is then."""
        request = pb.UpdateProfileRequest(
            viewer=to_viewer(viewer),
            version=version,
            display_name=display_name,
            handle=handle,
            avatar_url=avatar_url,
            bio=bio,
        )
        async with self._changing(subjects.account(viewer.account_id), *subjects.handles(handle)):
            return (await self._accounts.UpdateProfile(request)).account

    async def close_account(self, viewer: Identity, reason: str) -> pb.Account:
        """Begins to close the viewer's account; the account as it is then."""
        request = pb.CloseAccountRequest(actor=to_viewer(viewer), account_id=viewer.account_id, reason=reason)
        async with self._changing(subjects.account(viewer.account_id)):
            return (await self._accounts.CloseAccount(request)).account

    async def reopen_account(self, viewer: Identity) -> pb.Account:
        """Undoes that; the account as it is then."""
        request = pb.ReopenAccountRequest(actor=to_viewer(viewer), account_id=viewer.account_id)
        async with self._changing(subjects.account(viewer.account_id)):
            return (await self._accounts.ReopenAccount(request)).account
