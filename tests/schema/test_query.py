import pytest

from schema.errcode import AccountNotFound, ActivityNotFound, BackendUnavailable, InvalidArgument, TokenExpired
from schema.generated.account.v1 import account_pb2
from schema.graphql.ports import GUEST, ActivityKey
from tests.schema.fakes import ADA, FakeContext, FakeLoader, answer, refusal, run

ACCOUNT = "query ($id: ID!) { account(id: $id) { __typename id handle } }"
BY_HANDLE = "query ($handle: String!) { accountByHandle(handle: $handle) { id } }"
ACCOUNTS = "query ($ids: [ID!]!) { accounts(ids: $ids) { id } }"
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"


@pytest.fixture
def context() -> FakeContext:
    return FakeContext()


@pytest.mark.parametrize(
    ("number", "type_name"),
    [(1, "PersonalAccount"), (2, "CreatorAccount"), (3, "BusinessAccount"), (4, "StaffAccount"), (6, "PlainAccount")],
)
async def test_an_account_shows_in_the_view_of_its_type(context: FakeContext, number: int, type_name: str) -> None:
    data = await answer(context, ACCOUNT, id=f"acc_{number}")
    assert data["account"]["__typename"] == type_name
    assert context.loaders.account_by_id.keys == [number]


async def test_each_type_shows_its_own_data(context: FakeContext) -> None:
    data = await answer(
        context,
        """{ accounts(ids: ["acc_2", "acc_3", "acc_4", "acc_6"]) { type
             ... on CreatorAccount { category verified }
             ... on BusinessAccount { companyName industry verified }
             ... on StaffAccount { department } } }""",
    )
    assert data["accounts"] == [
        {"type": "CREATOR", "category": "music", "verified": True},
        {"type": "BUSINESS", "companyName": "Corp Ltd", "industry": None, "verified": False},
        {"type": "STAFF", "department": "support"},
        {"type": "OTHER"},
    ]


async def test_what_every_account_shows_is_just_there(context: FakeContext) -> None:
    data = await answer(
        context, '{ account(id: "acc_1") { id type status version handle displayName avatarUrl bio createdAt } }'
    )
    assert data["account"] == {
        "id": "acc_1",
        "type": "PERSONAL",
        "status": "ACTIVE",
        "version": 1,
        "handle": "ada",
        "displayName": "Ada",
        "avatarUrl": None,
        "bio": None,
        "createdAt": "2026-01-01T00:00:00+00:00",
    }


async def test_follow_counts_are_asked_for_when_selected(context: FakeContext) -> None:
    data = await answer(context, '{ account(id: "acc_3") { followerCount followingCount } }')
    assert data["account"] == {"followerCount": 30, "followingCount": 3}


@pytest.mark.parametrize("account_id", ["acc_5", "act_1", "ban_1", "1", "acc_0", "acc_9999999999999999999", "nobody"])
async def test_an_id_without_an_account_is_not_found(context: FakeContext, account_id: str) -> None:
    error = await refusal(context, ACCOUNT, id=account_id)
    assert (type(error), error.message) == (AccountNotFound, f"there is no account {account_id}")


async def test_an_empty_id_is_refused_by_name(context: FakeContext) -> None:
    error = await refusal(context, ACCOUNT, id="")
    assert (type(error), error.message) == (InvalidArgument, "id: must not be empty")


async def test_a_handle_finds_its_account(context: FakeContext) -> None:
    assert await answer(context, BY_HANDLE, handle="bo") == {"accountByHandle": {"id": "acc_2"}}


async def test_a_handle_that_nobody_has_is_not_found(context: FakeContext) -> None:
    error = await refusal(context, BY_HANDLE, handle="nobody")
    assert (type(error), error.message) == (AccountNotFound, "there is no account nobody")


@pytest.mark.parametrize("handle", ["", "h" * 101])
async def test_an_empty_or_endless_handle_is_refused_unasked(context: FakeContext, handle: str) -> None:
    error = await refusal(context, BY_HANDLE, handle=handle)
    assert (type(error), error.message) == (InvalidArgument, "handle: must be 1 to 100 characters")
    assert context.loaders.account_by_handle.keys == []


async def test_accounts_come_in_the_order_of_the_ids_with_null_where_there_is_none(context: FakeContext) -> None:
    data = await answer(context, ACCOUNTS, ids=["acc_3", "acc_5", "acc_1", "act_1", "", "acc_3"])
    assert data["accounts"] == [{"id": "acc_3"}, None, {"id": "acc_1"}, None, None, {"id": "acc_3"}]


async def test_no_ids_are_no_accounts(context: FakeContext) -> None:
    assert await answer(context, ACCOUNTS, ids=[]) == {"accounts": []}


async def test_200_ids_are_answered_and_201_are_refused_unasked(context: FakeContext) -> None:
    ids = [f"acc_{number}" for number in range(1, 202)]
    assert len((await answer(context, ACCOUNTS, ids=ids[:200]))["accounts"]) == 200
    context.loaders.account_by_id.keys.clear()
    error = await refusal(context, ACCOUNTS, ids=ids)
    assert (type(error), error.message) == (InvalidArgument, "ids: must be at most 200, not 201")
    assert context.loaders.account_by_id.keys == []


@pytest.mark.parametrize(("node_id", "type_name"), [("acc_2", "CreatorAccount"), ("act_11", "Activity")])
async def test_a_node_is_found_by_its_id(context: FakeContext, node_id: str, type_name: str) -> None:
    assert await answer(context, NODE, id=node_id) == {"node": {"__typename": type_name, "id": node_id}}


async def test_an_activity_is_asked_for_as_whoever_asks() -> None:
    context = FakeContext(ADA)
    await answer(context, NODE, id="act_11")
    assert context.loaders.activity.keys == [ActivityKey(ADA, 11)]


@pytest.mark.parametrize(
    ("node_id", "kind", "message"),
    [
        ("acc_5", AccountNotFound, "there is no account acc_5"),
        ("act_12", ActivityNotFound, "there is no activity act_12"),
        ("ban_1", InvalidArgument, "id: must be the id of an account or an activity"),
        ("acc_", InvalidArgument, "id: must be the id of an account or an activity"),
        ("", InvalidArgument, "id: must be the id of an account or an activity"),
    ],
)
async def test_a_node_that_there_is_not(context: FakeContext, node_id: str, kind: type, message: str) -> None:
    error = await refusal(context, NODE, id=node_id)
    assert (type(error), error.message) == (kind, message)


@pytest.mark.parametrize(
    ("document", "loader"),
    [
        ('{ account(id: "acc_1") { id } }', "account_by_id"),
        ('{ accountByHandle(handle: "ada") { id } }', "account_by_handle"),
        ('{ accounts(ids: ["acc_1"]) { id } }', "account_by_id"),
        ('{ node(id: "acc_1") { id } }', "account_by_id"),
        ('{ node(id: "act_11") { id } }', "activity"),
    ],
)
async def test_what_reading_begins_with_fails_with_its_backend(
    context: FakeContext, document: str, loader: str
) -> None:
    context.break_down("account", loader)
    assert type(await refusal(context, document)) is BackendUnavailable
    assert context.degraded == []


async def test_a_viewer_whose_token_is_refused_is_an_error() -> None:
    context = FakeContext(refusal=TokenExpired())
    result = await run(context, "{ viewer { type } }")
    assert result.data is None
    assert type(await refusal(context, "{ viewer { type } }")) is TokenExpired


async def test_an_account_needs_no_token_until_somebody_asks_for_what_is_private() -> None:
    context = FakeContext(refusal=TokenExpired())
    assert await answer(context, ACCOUNT, id="acc_1")
    private = '{ account(id: "acc_1") { ... on PersonalAccount { birthday } } }'
    assert type(await refusal(context, private)) is TokenExpired


async def test_a_birthday_shows_to_those_who_may_see_it() -> None:
    document = '{ account(id: "acc_1") { ... on PersonalAccount { birthday } } }'
    assert await answer(FakeContext(ADA), document) == {"account": {"birthday": "1990-12-31"}}
    assert await answer(FakeContext(GUEST), document) == {"account": {"birthday": None}}


async def test_a_birthday_that_was_not_given_is_null() -> None:
    context = FakeContext(ADA)
    context.loaders.private_attributes = FakeLoader(lambda _: account_pb2.PrivateAttributes())
    document = '{ account(id: "acc_1") { ... on PersonalAccount { birthday } } }'
    assert await answer(context, document) == {"account": {"birthday": None}}
