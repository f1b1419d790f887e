"""The questions about accounts."""

from schema.generated.account.v1 import account_pb2 as pb
from schema.generated.account.v1.account_pb2_grpc import AccountServiceServicer
from services.account.biz import Accounts
from services.account.service.messages import (
    account_to_message,
    private_attributes_to_message,
    viewer_from_message,
)
from services.runtime.server import Context


class ReadingServicer(AccountServiceServicer):
    """Answers batches; each answer carries what a caller needs to index the reply by."""

    _accounts: Accounts

    async def BatchGetAccounts(  # noqa: N802
        self, request: pb.BatchGetAccountsRequest, context: Context
    ) -> pb.BatchGetAccountsResponse:
        """The visible accounts that answer to the ids."""
        accounts, merged = await self._accounts.answering(request.ids)
        return pb.BatchGetAccountsResponse(accounts=map(account_to_message, accounts), merged=merged)

    async def BatchGetAccountsByHandle(  # noqa: N802
        self, request: pb.BatchGetAccountsByHandleRequest, context: Context
    ) -> pb.BatchGetAccountsByHandleResponse:
        """The visible accounts that answer to the handles."""
        accounts, merged = await self._accounts.answering_handles(request.handles)
        return pb.BatchGetAccountsByHandleResponse(accounts=map(account_to_message, accounts), merged=merged)

    async def BatchGetPrivateAttributes(  # noqa: N802
        self, request: pb.BatchGetPrivateAttributesRequest, context: Context
    ) -> pb.BatchGetPrivateAttributesResponse:
        """One answer for each question whose viewer may see."""
        questions = [(viewer_from_message(question.viewer), question.account_id) for question in request.questions]
        answer = pb.BatchGetPrivateAttributesResponse.Answer
        answers = [
            answer(
                viewer_account_id=viewer.account_id,
                account_id=account_id,
                attributes=private_attributes_to_message(attributes),
            )
            for viewer, account_id, attributes in await self._accounts.private_attributes(questions)
        ]
        return pb.BatchGetPrivateAttributesResponse(answers=answers)

    async def BatchListTeams(  # noqa: N802
        self, request: pb.BatchListTeamsRequest, context: Context
    ) -> pb.BatchListTeamsResponse:
        """One team for each business that has one."""
        teams = await self._accounts.teams(request.business_ids)
        team = pb.BatchListTeamsResponse.Team
        return pb.BatchListTeamsResponse(
            teams=[team(business_id=business_id, account_ids=ids) for business_id, ids in teams.items()]
        )

    async def BatchListPendingClosures(  # noqa: N802
        self, request: pb.BatchListPendingClosuresRequest, context: Context
    ) -> pb.BatchListPendingClosuresResponse:
        """One answer for each question of a staff viewer."""
        questions = [(viewer_from_message(question.viewer), question.first) for question in request.questions]
        answer = pb.BatchListPendingClosuresResponse.Answer
        answers = [
            answer(viewer_account_id=viewer.account_id, first=first, account_ids=ids)
            for viewer, first, ids in await self._accounts.pending_closures(questions)
        ]
        return pb.BatchListPendingClosuresResponse(answers=answers)
