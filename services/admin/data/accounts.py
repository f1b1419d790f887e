"""The account backend, asked over gRPC."""

from dataclasses import asdict

import grpc.aio

from schema.generated.account.v1 import account_pb2 as pb
from schema.generated.account.v1.account_pb2_grpc import AccountServiceStub
from schema.generated.identity.v1 import identity_pb2
from services.admin.biz import Account, AccountChange, AccountFilter, NewAccount, Page, Viewer
from services.admin.data.messages import from_account, given, to_attributes, to_viewer


class GrpcAccounts:
    """Fits `biz.AccountBackend`."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = AccountServiceStub(channel)

    async def search(self, actor: Viewer, wanted: AccountFilter) -> Page[Account]:
        """The accounts that match, by id; closed ones too."""
        request = pb.SearchAccountsRequest(
            actor=to_viewer(actor),
            ids=wanted.ids,
            handle_prefix=wanted.handle_prefix,
            name_part=wanted.name_part,
            types=map(identity_pb2.AccountType.ValueType, wanted.types),
            statuses=map(pb.AccountStatus.ValueType, wanted.statuses),
            first=wanted.first,
            after_id=wanted.after_id,
        )
        reply = await self._stub.SearchAccounts(request)
        return Page([from_account(account) for account in reply.accounts], reply.has_next_page)

    async def birthday(self, actor: Viewer, account_id: int) -> str | None:
        """The account's birthday; None when there is none to see."""
        question = pb.BatchGetPrivateAttributesRequest.Question(viewer=to_viewer(actor), account_id=account_id)
        reply = await self._stub.BatchGetPrivateAttributes(pb.BatchGetPrivateAttributesRequest(questions=[question]))
        return given(reply.answers[0].attributes, "birthday") if reply.answers else None

    async def create(self, actor: Viewer, new: NewAccount, reason: str) -> Account:
        """The account, opened."""
        request = pb.CreateAccountRequest(
            actor=to_viewer(actor),
            reason=reason,
            type=identity_pb2.AccountType.ValueType(new.type),
            handle=new.handle,
            display_name=new.display_name,
            password=new.password,
            **to_attributes(new.attributes),
        )
        return from_account((await self._stub.CreateAccount(request)).account)

    async def change(self, actor: Viewer, account_id: int, version: int, change: AccountChange, reason: str) -> Account:
        """The account after the change."""
        request = pb.ChangeAccountRequest(
            actor=to_viewer(actor),
            reason=reason,
            account_id=account_id,
            version=version,
            **asdict(change),
        )
        return from_account((await self._stub.ChangeAccount(request)).account)

    async def close(self, actor: Viewer, account_id: int, reason: str) -> Account:
        """The account in its cooling-off period."""
        request = pb.CloseAccountRequest(actor=to_viewer(actor), account_id=account_id, reason=reason)
        return from_account((await self._stub.CloseAccount(request)).account)

    async def reopen(self, actor: Viewer, account_id: int, reason: str) -> Account:
        """The account in use again."""
        request = pb.ReopenAccountRequest(actor=to_viewer(actor), account_id=account_id, reason=reason)
        return from_account((await self._stub.ReopenAccount(request)).account)

    async def suspend(self, actor: Viewer, account_id: int, reason: str) -> Account:
        """The account, barred."""
        request = pb.SuspendAccountRequest(actor=to_viewer(actor), account_id=account_id, reason=reason)
        return from_account((await self._stub.SuspendAccount(request)).account)

    async def check_merge(self, actor: Viewer, source_id: int, target_id: int) -> tuple[str, int]:
        """Why the two cannot be merged, empty when they can, and how many sessions would move."""
        request = pb.CheckMergeRequest(actor=to_viewer(actor), source_id=source_id, target_id=target_id)
        reply = await self._stub.CheckMerge(request)
        return reply.refusal, reply.sessions

    async def start_merge(self, actor: Viewer, source_id: int, target_id: int, reason: str) -> Account:
        """The source, barred until its data has been moved."""
        request = pb.StartMergeRequest(actor=to_viewer(actor), source_id=source_id, target_id=target_id, reason=reason)
        return from_account((await self._stub.StartMerge(request)).source)
