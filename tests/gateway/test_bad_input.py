"""Each wrong input has its code, a message that names the field, and no effect."""

import json

import pytest

from tests.gateway.conftest import House

ADA = "acc_1"
PROFILE = "{ viewer { account { version handle displayName bio } } }"
UPDATE = "mutation Update($input: UpdateProfileInput!) { updateProfile(input: $input) { version } }"
PUBLISH = "mutation Publish($text: String!) { publishActivity(input: {kind: POST, text: $text}) { id } }"
NEWEST = "{ viewer { home { ... on CreatorHome { ownActivities(first: 1) { edges { node { id } } } } } } }"


MOMENT = "DateTime must be a moment as ISO 8601 writes it, such as 2026-03-02T12:00:00+00:00"


@pytest.mark.parametrize("value", ["2025-02-30T00:00:00Z", "tomorrow", "", 1, ["2025-02-28"]])
async def test_what_is_no_moment_is_refused_as_a_literal_and_as_a_variable(house: House, value: object) -> None:
    query = "query ($since: DateTime) { admin { activities(filter: {since: $since}) { edges { cursor } } } }"
    assert await house.error(query, "sam", since=value) == (
        4000100,
        f"Variable '$since' has invalid value: {MOMENT}",
    )
    literal = query.replace("query ($since: DateTime) ", "").replace("$since", json.dumps(value))
    assert await house.error(literal, "sam") == (4000200, MOMENT)


@pytest.mark.parametrize("first", [0, -1, 101])
async def test_a_page_size_out_of_range_is_refused(house: House, first: int) -> None:
    query = "query Feed($first: Int!) { viewer { home { feed(first: $first) { pageInfo { endCursor } } } } }"
    assert await house.error(query, "ada", first=first) == (4000100, "first: must be between 1 and 100")


async def test_a_cursor_of_another_list_is_refused(house: House) -> None:
    query = """query Feed($after: String, $kinds: [ActivityKind!]) { viewer { home {
        feed(first: 1, after: $after, kinds: $kinds) { edges { cursor } } } } }"""
    edges = (await house.data(query, "ada"))["viewer"]["home"]["feed"]["edges"]
    for who, kinds in (("bo", None), (None, None), ("ada", ["POST"])):
        code, message = await house.error(query, who, after=edges[0]["cursor"], kinds=kinds)
        assert (code, message.partition(":")[0]) == (4000100, "after")
    code, message = await house.error(query, "ada", after="nonsense")
    assert (code, message.partition(":")[0]) == (4000100, "after")


async def test_more_than_200_ids_are_refused(house: House) -> None:
    query = "query Many($ids: [ID!]!) { accounts(ids: $ids) { id } }"
    assert len((await house.data(query, ids=[f"acc_{n}" for n in range(1, 201)]))["accounts"]) == 200
    answer = await house.error(query, ids=[f"acc_{n}" for n in range(1, 202)])
    assert answer == (4000100, "ids: must be at most 200, not 201")


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ('{ account(id: "acc_999999") { id } }', 4040100, "there is no account acc_999999"),
        ('{ account(id: "nonsense") { id } }', 4040100, "there is no account nonsense"),
        ('{ account(id: "") { id } }', 4000100, "id: must not be empty"),
        ('{ accountByHandle(handle: "nobody_here") { id } }', 4040100, "there is no account nobody_here"),
        ('{ accountByHandle(handle: "") { id } }', 4000100, "handle: must be 1 to 100 characters"),
        ('{ node(id: "act_999999999") { id } }', 4040200, "there is no activity act_999999999"),
        ('{ node(id: "nonsense") { id } }', 4000100, "id: must be the id of an account or an activity"),
        ('{ viewer { can(permission: "") } }', 4000100, "permission: must be 1 to 100 characters"),
    ],
)
async def test_what_is_not_there_or_malformed_is_refused(house: House, query: str, code: int, message: str) -> None:
    assert await house.error(query) == (code, message)


async def test_an_unknown_token_is_refused_where_somebody_asks_who_is_there(house: House) -> None:
    headers = {"authorization": "Bearer nobody-was-given-this"}
    response = await house.http.post("/graphql", json={"query": "{ viewer { type } }"}, headers=headers)
    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == 4010100
    assert error["message"] == "authorization: nobody is signed in with this token"
    response = await house.http.post("/graphql", json={"query": '{ account(id: "acc_1") { handle } }'}, headers=headers)
    assert response.json() == {"data": {"account": {"handle": "ada"}}}


@pytest.mark.parametrize(("handle", "password"), [("ada", "wrong"), ("nobody_here", "atrium-demo")])
async def test_a_sign_in_that_fails_never_says_why(house: House, handle: str, password: str) -> None:
    query = (
        "mutation In($handle: String!, $password: String!) { signIn(handle: $handle, password: $password) { token } }"
    )
    answer = await house.error(query, handle=handle, password=password)
    assert answer == (4010300, "wrong handle or password")


async def test_a_token_is_of_no_use_after_signing_out(house: House) -> None:
    query = 'mutation { signIn(handle: "ada", password: "atrium-demo") { token viewer { account { handle } } } }'
    session = (await house.data(query))["signIn"]
    assert session["viewer"] == {"account": {"handle": "ada"}}
    headers = {"authorization": f"Bearer {session['token']}"}
    for ended in (True, False):
        response = await house.http.post("/graphql", json={"query": "mutation { signOut }"}, headers=headers)
        assert response.json() == {"data": {"signOut": ended}}
    response = await house.http.post("/graphql", json={"query": "{ viewer { type } }"}, headers=headers)
    assert response.json()["errors"][0]["extensions"]["code"] == 4010100


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"displayName": "New"}, 4090100, "version"),
        ({"version": 1, "handle": "corp"}, 4090200, "handle"),
        ({"version": 1, "handle": "Bo"}, 4090200, "handle"),
        ({"version": 1, "handle": ""}, 4000100, "handle"),
        ({"version": 1, "displayName": ""}, 4000100, "displayName"),
        ({"version": 1, "displayName": "x" * 81}, 4000100, "displayName"),
        ({"version": 1, "bio": "x" * 501}, 4000100, "bio"),
        ({"version": 0, "bio": "x"}, 4000100, "version"),
    ],
)
async def test_a_change_that_is_refused_leaves_the_profile_as_it_was(
    house: House, changes: dict[str, object], code: int, field: str
) -> None:
    before = await house.data(PROFILE, "ada")
    refused, message = await house.error(UPDATE, "ada", input={"version": 99, "bio": "changed", **changes})
    assert (refused, message.partition(":")[0]) == (code, field)
    assert await house.data(PROFILE, "ada") == before


async def test_a_lost_version_is_refused_and_the_first_change_stays(house: House) -> None:
    version = (await house.data(PROFILE, "ada"))["viewer"]["account"]["version"]
    changed = await house.data(UPDATE, "ada", input={"version": version, "bio": "first"})
    assert changed == {"updateProfile": {"version": version + 1}}
    code, message = await house.error(UPDATE, "ada", input={"version": version, "bio": "second"})
    assert (code, message) == (4090100, f"version: {version} is no longer the current one: read again, then retry")
    assert (await house.data(PROFILE, "ada"))["viewer"]["account"]["bio"] == "first"


@pytest.mark.parametrize("text", ["", "x" * 2001])
async def test_a_text_of_wrong_length_is_not_published(house: House, text: str) -> None:
    before = await house.data(NEWEST, "bo")
    code, message = await house.error(PUBLISH, "bo", text=text)
    assert (code, message.partition(":")[0]) == (4000100, "text")
    assert await house.data(NEWEST, "bo") == before


@pytest.mark.parametrize(
    "mutation",
    [
        'publishActivity(input: {kind: POST, text: "x"}) { id }',
        'follow(accountId: "acc_2") { id }',
        'unfollow(accountId: "acc_2") { id }',
        'updateProfile(input: {version: 1, bio: "x"}) { id }',
    ],
)
async def test_a_guest_changes_nothing(house: House, mutation: str) -> None:
    counts = '{ account(id: "acc_2") { version followerCount } }'
    before = await house.data(counts)
    assert await house.error(f"mutation {{ {mutation} }}") == (4010100, "sign in first")
    assert await house.data(counts) == before


@pytest.mark.parametrize(
    ("account", "code", "message"),
    [
        (ADA, 4000100, "accountId: must be the id of another account"),
        ("acc_999999", 4040100, "there is no account acc_999999"),
        ("", 4000100, "accountId: must not be empty"),
    ],
)
async def test_an_account_that_cannot_be_followed_is_refused(
    house: House, account: str, code: int, message: str
) -> None:
    query = "mutation Follow($id: ID!) { follow(accountId: $id) { id } }"
    assert await house.error(query, "ada", id=account) == (code, message)
