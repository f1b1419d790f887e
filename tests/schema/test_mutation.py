from typing import Any

import pytest

from schema.errcode import (
    AccountNotFound,
    BackendUnavailable,
    BadCredentials,
    InvalidArgument,
    PermissionDenied,
    TokenExpired,
    Unauthenticated,
    VersionConflict,
)
from schema.generated.activity.v1 import activity_pb2 as activity
from schema.graphql.ports import PrivateKey
from tests.schema.fakes import ADA, BO, FakeContext, FakeLoader, answer, refusal

SIGN_IN = 'mutation { signIn(handle: "bo", password: "atrium-demo") { token expiresAt viewer { %s } } }'
UPDATE = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { id displayName version } }"
FOLLOW = "mutation ($id: ID!) { follow(accountId: $id) { id followerCount } }"
UNFOLLOW = "mutation ($id: ID!) { unfollow(accountId: $id) { id followerCount } }"
PUBLISH = "mutation ($input: PublishActivityInput!) { publishActivity(input: $input) { id kind text author { id } } }"
POST = {"input": {"kind": "POST", "text": "hello"}}
NEEDS_SIGN_IN: list[tuple[str, dict[str, Any]]] = [
    (UPDATE, {"input": {"version": 1}}),
    (FOLLOW, {"id": "acc_2"}),
    (UNFOLLOW, {"id": "acc_2"}),
    (PUBLISH, POST),
]


@pytest.fixture
def context() -> FakeContext:
    return FakeContext(ADA)


async def test_signing_in_answers_a_session() -> None:
    context = FakeContext()
    data = await answer(context, SIGN_IN % "type")
    session = {"token": "secret-token", "expiresAt": "2026-01-01T00:00:00+00:00", "viewer": {"type": "CREATOR"}}
    assert data == {"signIn": session}
    assert context.commands.told == [("sign_in", "bo", "atrium-demo")]


async def test_a_session_shows_whoever_has_just_signed_in_not_whoever_asked(context: FakeContext) -> None:
    data = await answer(context, SIGN_IN % "account { handle } home { __typename features { key } }")
    assert data["signIn"]["viewer"] == {
        "account": {"handle": "bo"},
        "home": {"__typename": "CreatorHome", "features": [{"key": "orders"}]},
    }
    assert context.loaders.features.keys == [BO]


async def test_what_is_private_is_read_as_whoever_has_just_signed_in(context: FakeContext) -> None:
    context.loaders.own_activities = type(context.loaders.own_activities)(
        lambda _: activity.ActivityPage(items=[activity.ActivityPage.Item(activity=activity.Activity(author_id=1))])
    )
    author = "edges { node { author { id ... on PersonalAccount { birthday } } } }"
    data = await answer(context, SIGN_IN % ("home { ... on CreatorHome { ownActivities { " + author + " } } }"))
    (edge,) = data["signIn"]["viewer"]["home"]["ownActivities"]["edges"]
    assert edge["node"]["author"] == {"id": "acc_1", "birthday": None}
    assert context.loaders.private_attributes.keys == [PrivateKey(BO, 1)]


async def test_signing_in_with_a_wrong_password_is_refused() -> None:
    context = FakeContext()
    context.commands.refusal = BadCredentials()
    assert type(await refusal(context, SIGN_IN % "type")) is BadCredentials


async def test_signing_out_ends_the_session_of_the_token(context: FakeContext) -> None:
    assert await answer(context, "mutation { signOut }") == {"signOut": True}
    assert context.commands.told == [("sign_out", "secret-token")]


async def test_signing_out_without_a_token_ends_nothing() -> None:
    context = FakeContext()
    assert await answer(context, "mutation { signOut }") == {"signOut": False}
    assert context.commands.told == []


async def test_an_expired_session_can_be_signed_out_of() -> None:
    context = FakeContext(ADA, refusal=TokenExpired())
    assert await answer(context, "mutation { signOut }") == {"signOut": True}


@pytest.mark.parametrize(("document", "variables"), NEEDS_SIGN_IN)
async def test_a_guest_changes_nothing(document: str, variables: dict[str, Any]) -> None:
    context = FakeContext()
    assert type(await refusal(context, document, **variables)) is Unauthenticated
    assert context.commands.told == []


@pytest.mark.parametrize(("document", "variables"), NEEDS_SIGN_IN)
async def test_whoever_lacks_the_permission_changes_nothing(
    context: FakeContext, document: str, variables: dict[str, Any]
) -> None:
    context.loaders.permission = FakeLoader(lambda _: False)
    assert type(await refusal(context, document, **variables)) is PermissionDenied
    assert context.commands.told == []


@pytest.mark.parametrize(("document", "variables"), NEEDS_SIGN_IN)
async def test_a_permission_that_cannot_be_checked_is_not_given(
    context: FakeContext, document: str, variables: dict[str, Any]
) -> None:
    context.loaders.permission.failure = BackendUnavailable("permission")
    assert type(await refusal(context, document, **variables)) is BackendUnavailable
    assert context.commands.told == []


@pytest.mark.parametrize(("document", "variables"), NEEDS_SIGN_IN)
async def test_a_refused_token_changes_nothing(document: str, variables: dict[str, Any]) -> None:
    context = FakeContext(ADA, refusal=TokenExpired())
    assert type(await refusal(context, document, **variables)) is TokenExpired
    assert context.commands.told == []


async def test_a_profile_is_answered_as_it_is_after_the_change(context: FakeContext) -> None:
    data = await answer(context, UPDATE, input={"version": 1, "displayName": "Countess"})
    assert data["updateProfile"]["displayName"] == "Countess"
    assert context.loaders.account_by_id.keys == []


async def test_what_is_left_out_or_null_of_a_profile_stays(context: FakeContext) -> None:
    await answer(context, UPDATE, input={"version": 1, "bio": "", "handle": None})
    changes = {"version": 1, "display_name": None, "handle": None, "avatar_url": None, "bio": ""}
    assert context.commands.told == [("update_profile", ADA, changes)]


async def test_a_lost_version_is_a_conflict(context: FakeContext) -> None:
    context.commands.refusal = VersionConflict(1)
    assert type(await refusal(context, UPDATE, input={"version": 1})) is VersionConflict


async def test_a_refused_field_of_a_profile_is_named_as_the_client_wrote_it(context: FakeContext) -> None:
    context.commands.refusal = InvalidArgument("display_name", "must be 1 to 80 characters")
    error = await refusal(context, UPDATE, input={"version": 1, "displayName": ""})
    assert (type(error), error.message) == (InvalidArgument, "displayName: must be 1 to 80 characters")


@pytest.mark.parametrize(("document", "command"), [(FOLLOW, "follow"), (UNFOLLOW, "unfollow")])
async def test_following_and_its_end_answer_the_account(context: FakeContext, document: str, command: str) -> None:
    data = await answer(context, document, id="acc_2")
    assert data == {command: {"id": "acc_2", "followerCount": 20}}
    assert context.commands.told == [(command, ADA, 2)]


@pytest.mark.parametrize("document", [FOLLOW, UNFOLLOW])
@pytest.mark.parametrize(
    ("account_id", "kind", "message"),
    [
        ("acc_5", AccountNotFound, "there is no account acc_5"),
        ("act_2", AccountNotFound, "there is no account act_2"),
        ("acc_1", InvalidArgument, "accountId: must be the id of another account"),
        ("", InvalidArgument, "accountId: must not be empty"),
    ],
)
async def test_nobody_follows_what_cannot_be_followed(
    context: FakeContext, document: str, account_id: str, kind: type, message: str
) -> None:
    error = await refusal(context, document, id=account_id)
    assert (type(error), error.message) == (kind, message)
    assert context.commands.told == []


async def test_an_activity_is_published_by_whoever_asks(context: FakeContext) -> None:
    data = await answer(context, PUBLISH, **POST)
    published = {"id": "act_12", "kind": "POST", "text": "hello", "author": {"id": "acc_1"}}
    assert data == {"publishActivity": published}
    assert context.commands.told == [("publish", ADA, activity.ACTIVITY_KIND_POST, "hello")]


async def test_a_kind_without_a_name_is_not_published(context: FakeContext) -> None:
    error = await refusal(context, PUBLISH, input={"kind": "OTHER", "text": "hello"})
    assert (type(error), error.message) == (InvalidArgument, "kind: OTHER is no kind to ask for")
    assert context.commands.told == []


async def test_a_backend_that_is_down_fails_a_change(context: FakeContext) -> None:
    context.commands.refusal = BackendUnavailable("activity")
    assert type(await refusal(context, PUBLISH, **POST)) is BackendUnavailable
    assert context.degraded == []


async def test_after_each_change_everything_is_read_anew(context: FakeContext) -> None:
    await answer(context, 'mutation { follow(accountId: "acc_2") { id } unfollow(accountId: "acc_2") { id } signOut }')
    assert [what for what, *_ in context.commands.told] == ["follow", "unfollow", "sign_out"]
    assert context.renewals == 3


async def test_after_a_change_of_which_nobody_knows_whether_it_happened_too(context: FakeContext) -> None:
    context.commands.refusal = BackendUnavailable("activity")
    await refusal(context, FOLLOW, id="acc_2")
    assert context.renewals == 1
