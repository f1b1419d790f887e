from typing import Any

import pytest

from schema.errcode import BackendUnavailable
from schema.generated.account.v1 import account_pb2 as pb
from schema.generated.identity.v1.identity_pb2 import ACCOUNT_TYPE_PERSONAL, ACCOUNT_TYPE_STAFF, Viewer
from schema.graphql.ports import ClosuresKey, Identity, PrivateKey
from tests.loaders.conftest import MakeClients
from tests.loaders.fakes import channels

ADA = Identity(1, ACCOUNT_TYPE_PERSONAL)
SAM = Identity(4, ACCOUNT_TYPE_STAFF)


async def test_accounts_are_found_by_id_in_one_call(clients: MakeClients) -> None:
    def answer(request: Any) -> pb.BatchGetAccountsResponse:
        return pb.BatchGetAccountsResponse(accounts=[pb.Account(id=one) for one in sorted(request.ids) if one != 7])

    channel, everywhere = channels(BatchGetAccounts=answer)
    found = await clients(everywhere).loaders().account_by_id.load_many([9, 7, 3, 9])
    assert [account and account.id for account in found] == [9, None, 3, 9]
    assert channel.calls == [("BatchGetAccounts", pb.BatchGetAccountsRequest(ids=[9, 7, 3]))]


async def test_an_account_answered_twice_is_answered_once(clients: MakeClients) -> None:
    reply = pb.BatchGetAccountsResponse(accounts=[pb.Account(id=3), pb.Account(id=8), pb.Account(id=3)])
    _, everywhere = channels(BatchGetAccounts=lambda _: reply)
    assert await clients(everywhere).loaders().account_by_id.load_many([3]) == [pb.Account(id=3)]


async def test_an_id_that_was_merged_finds_whoever_took_over(clients: MakeClients) -> None:
    reply = pb.BatchGetAccountsResponse(accounts=[pb.Account(id=2), pb.Account(id=3)], merged={7: 3, 9: 3, 8: 99})
    _, everywhere = channels(BatchGetAccounts=lambda _: reply)
    found = await clients(everywhere).loaders().account_by_id.load_many([7, 8, 9, 2, 3])
    assert [account and account.id for account in found] == [3, None, 3, 2, 3]


async def test_a_handle_that_was_merged_finds_whoever_took_over(clients: MakeClients) -> None:
    reply = pb.BatchGetAccountsByHandleResponse(accounts=[pb.Account(id=3, handle="Cy")], merged={"ada": 3, "bo": 99})
    _, everywhere = channels(BatchGetAccountsByHandle=lambda _: reply)
    found = await clients(everywhere).loaders().account_by_handle.load_many(["Ada", "bo", "CY"])
    assert [account and account.id for account in found] == [3, None, 3]


async def test_a_handle_finds_its_account_without_case(clients: MakeClients) -> None:
    reply = pb.BatchGetAccountsByHandleResponse(accounts=[pb.Account(id=1, handle="Ada")])
    channel, everywhere = channels(BatchGetAccountsByHandle=lambda _: reply)
    found = await clients(everywhere).loaders().account_by_handle.load_many(["ADA", "ada", "bo"])
    assert [account and account.id for account in found] == [1, 1, None]
    assert channel.calls == [
        ("BatchGetAccountsByHandle", pb.BatchGetAccountsByHandleRequest(handles=["ADA", "ada", "bo"]))
    ]


async def test_private_attributes_go_to_the_viewer_who_may_see_them(clients: MakeClients) -> None:
    answer = pb.BatchGetPrivateAttributesResponse.Answer(
        viewer_account_id=4, account_id=1, attributes=pb.PrivateAttributes(birthday="1990-12-31")
    )
    reply = pb.BatchGetPrivateAttributesResponse(answers=[answer])
    channel, everywhere = channels(BatchGetPrivateAttributes=lambda _: reply)
    load = clients(everywhere).loaders().private_attributes
    found = await load.load_many([PrivateKey(ADA, 4), PrivateKey(SAM, 1)])
    assert found == [None, pb.PrivateAttributes(birthday="1990-12-31")]
    ask = pb.BatchGetPrivateAttributesRequest.Question
    questions = [
        ask(viewer=Viewer(account_id=1, account_type=ACCOUNT_TYPE_PERSONAL), account_id=4),
        ask(viewer=Viewer(account_id=4, account_type=ACCOUNT_TYPE_STAFF), account_id=1),
    ]
    assert channel.calls == [("BatchGetPrivateAttributes", pb.BatchGetPrivateAttributesRequest(questions=questions))]


async def test_a_team_keeps_its_order_and_a_business_without_one_gets_none(clients: MakeClients) -> None:
    team = pb.BatchListTeamsResponse.Team(business_id=3, account_ids=[9, 2, 5])
    _, everywhere = channels(BatchListTeams=lambda _: pb.BatchListTeamsResponse(teams=[team]))
    assert await clients(everywhere).loaders().team.load_many([8, 3]) == [(), (9, 2, 5)]


async def test_pending_closures_are_told_apart_by_viewer_and_length(clients: MakeClients) -> None:
    answer = pb.BatchListPendingClosuresResponse.Answer
    reply = pb.BatchListPendingClosuresResponse(
        answers=[
            answer(viewer_account_id=4, first=1, account_ids=[50]),
            answer(viewer_account_id=4, first=2, account_ids=[50, 51]),
        ]
    )
    channel, everywhere = channels(BatchListPendingClosures=lambda _: reply)
    load = clients(everywhere).loaders().pending_closures
    found = await load.load_many([ClosuresKey(SAM, 2), ClosuresKey(SAM, 1), ClosuresKey(ADA, 1)])
    assert found == [(50, 51), (50,), ()]
    assert len(channel.calls) == 1


async def test_sessions_are_answered_by_place(clients: MakeClients) -> None:
    states = [pb.VerifiedSession.STATE_EXPIRED, pb.VerifiedSession.STATE_UNKNOWN]
    sessions = [pb.VerifiedSession(state=state, question=place) for place, state in enumerate(states, start=1)]
    reply = pb.BatchVerifySessionsResponse(sessions=reversed(sessions))
    _, everywhere = channels(BatchVerifySessions=lambda _: reply)
    found = await clients(everywhere).loaders().session_by_token.load_many(["old", "odd"])
    assert [session.state for session in found] == states


async def test_a_token_without_an_answer_fails_alone(clients: MakeClients) -> None:
    reply = pb.BatchVerifySessionsResponse(sessions=[pb.VerifiedSession(question=2), pb.VerifiedSession(question=9)])
    _, everywhere = channels(BatchVerifySessions=lambda _: reply)
    load = clients(everywhere).loaders().session_by_token
    lost, found = load.load("lost"), load.load("found")
    with pytest.raises(BackendUnavailable, match="account") as caught:
        await lost
    assert caught.value.backend == "account"
    assert await found == reply.sessions[0]


async def test_signing_in_answers_what_the_backend_answers(clients: MakeClients) -> None:
    reply = pb.SignInResponse(token="t", account=pb.Account(id=1))
    channel, everywhere = channels(SignIn=lambda _: reply)
    assert await clients(everywhere).commands().sign_in("ada", "secret") == reply
    assert channel.calls == [("SignIn", pb.SignInRequest(handle="ada", password="secret"))]


async def test_signing_out_tells_whether_a_session_ended(clients: MakeClients) -> None:
    channel, everywhere = channels(SignOut=lambda _: pb.SignOutResponse(ended=True))
    assert await clients(everywhere).commands().sign_out("t") is True
    assert channel.calls == [("SignOut", pb.SignOutRequest(token="t"))]


async def test_only_what_is_given_of_a_profile_is_sent(clients: MakeClients) -> None:
    changed = pb.Account(id=1, version=3)
    channel, everywhere = channels(UpdateProfile=lambda _: pb.UpdateProfileResponse(account=changed))
    assert await clients(everywhere).commands().update_profile(ADA, version=2, display_name="A.", bio="") == changed
    (_, request) = channel.calls[0]
    assert [field.name for field, _ in request.ListFields()] == ["viewer", "version", "display_name", "bio"]
    assert (request.viewer.account_id, request.version, request.display_name, request.bio) == (1, 2, "A.", "")


async def test_all_of_a_profile_is_sent_when_given(clients: MakeClients) -> None:
    channel, everywhere = channels(UpdateProfile=lambda _: pb.UpdateProfileResponse())
    await (
        clients(everywhere)
        .commands()
        .update_profile(ADA, version=2, display_name="A.", handle="ada", avatar_url="https://a.example/a.png", bio="b")
    )
    (_, request) = channel.calls[0]
    assert {field.name for field, _ in request.ListFields()} == set(pb.UpdateProfileRequest.DESCRIPTOR.fields_by_name)


async def test_closing_and_reopening_are_of_the_viewers_own_account(clients: MakeClients) -> None:
    closing, active = pb.Account(id=1, version=3), pb.Account(id=1, version=4)
    channel, everywhere = channels(
        CloseAccount=lambda _: pb.CloseAccountResponse(account=closing),
        ReopenAccount=lambda _: pb.ReopenAccountResponse(account=active),
    )
    commands = clients(everywhere).commands()
    assert await commands.close_account(ADA, "Leaving") == closing
    assert await commands.reopen_account(ADA) == active
    ada = Viewer(account_id=1, account_type=ACCOUNT_TYPE_PERSONAL)
    assert channel.calls == [
        ("CloseAccount", pb.CloseAccountRequest(actor=ada, account_id=1, reason="Leaving")),
        ("ReopenAccount", pb.ReopenAccountRequest(actor=ada, account_id=1)),
    ]
