"""One row for each question, and what each row says of what is kept and whom it is for."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from redis.asyncio import Redis

from loaders.caching.rules import RULES, Kept, NotKept, scope_of
from loaders.clients import Loaders
from schema.generated.account.v1 import account_pb2
from schema.generated.banner.v1 import banner_pb2
from schema.generated.identity.v1 import identity_pb2
from schema.generated.permission.v1 import permission_pb2
from schema.graphql.ports import GUEST, BannersKey, Identity
from services.runtime import subjects
from services.runtime.changed import PREFIX
from services.runtime.subjects import KEPT, kept_key, kept_keys
from tests.loaders.caching.town import LIFETIMES, QUESTIONS, Clock, MakeGateway, Store, account

ADA = Identity(1, identity_pb2.ACCOUNT_TYPE_PERSONAL)
BO = Identity(2, identity_pb2.ACCOUNT_TYPE_CREATOR)
TOKEN = "a-token-that-nobody-else-may-see"
PROFILE = permission_pb2.Feature(key="profile")
STUDIO = permission_pb2.Feature(key="studio")
TOP = banner_pb2.BANNER_SLOT_HOME_TOP


def test_every_question_has_a_row_and_every_row_a_question() -> None:
    assert set(RULES) == {field.name for field in dataclasses.fields(Loaders)} == set(QUESTIONS)


def test_what_is_not_kept_says_why() -> None:
    assert all(rule.why for rule in RULES.values() if isinstance(rule, NotKept))
    kept = {name for name, rule in RULES.items() if isinstance(rule, Kept)}
    assert kept == {"account_by_id", "account_by_handle", "features", "banners", "session_by_token"}


def test_what_is_forgotten_by_its_name_is_what_is_kept_under_it() -> None:
    keys = {ADA: "features", 1: "account_by_id", "Ada": "account_by_handle", TOKEN: "session_by_token"}
    rules = {name: rule for name, rule in RULES.items() if isinstance(rule, Kept)}
    kept = {kept_key(scope_of(QUESTIONS[name]), name, rules[name].name(key)) for key, name in keys.items()}
    changed = [subjects.account(1), subjects.handle("ADA"), subjects.session(TOKEN)]
    assert set(kept_keys(changed)) == kept
    assert {place for places in KEPT.values() for place in places} == {key[1:].rpartition("/")[0] for key in kept}


def session(account_id: int, expires_at: datetime, state: Any = account_pb2.VerifiedSession.STATE_VALID) -> Any:
    made = account_pb2.VerifiedSession(state=state)
    if state == account_pb2.VerifiedSession.STATE_VALID:
        made.viewer.CopyFrom(
            identity_pb2.Viewer(account_id=account_id, account_type=identity_pb2.ACCOUNT_TYPE_PERSONAL)
        )
        made.account_status = account_pb2.ACCOUNT_STATUS_ACTIVE
        made.expires_at.FromDatetime(expires_at)
    return made


FAR = datetime(2100, 1, 1, tzinfo=UTC)
ANSWERS: list[tuple[str, Any, Any]] = [
    ("account_by_id", 1, account(1, avatar_url="", bio="x")),
    ("account_by_id", 1, None),
    ("account_by_handle", "Ada", account(1)),
    ("features", ADA, (PROFILE, STUDIO)),
    ("features", ADA, ()),
    ("banners", BannersKey(GUEST, TOP), (banner_pb2.Banner(id=1, title="x"),)),
    ("session_by_token", TOKEN, session(1, FAR)),
]


@pytest.mark.parametrize(("question", "key", "answer"), ANSWERS)
def test_what_is_packed_is_unpacked(question: str, key: Any, answer: Any) -> None:
    rule: Any = RULES[question]
    assert rule.unpack(key, rule.pack(key, answer)) == answer


@pytest.mark.parametrize(("question", "key", "answer"), ANSWERS)
def test_what_was_cut_short_is_no_answer(question: str, key: Any, answer: Any) -> None:
    rule: Any = RULES[question]
    packed = rule.pack(key, answer)
    if len(packed) > 1:
        with pytest.raises((DecodeError, ValueError)):
            rule.unpack(key, packed[:-1])


async def test_the_menu_of_one_is_never_answered_to_another(make_gateway: MakeGateway, cache: Redis) -> None:
    menus: Store[Identity, Any] = Store({ADA: (PROFILE,), BO: (PROFILE, STUDIO)}, ())
    gateway = make_gateway("features", menus)
    assert await gateway.read(ADA, BO) == [(PROFILE,), (PROFILE, STUDIO)]
    assert await gateway.answers(BO, ADA) == [(PROFILE, STUDIO), (PROFILE,)]
    await cache.rename(PREFIX + "/viewer/features/2", PREFIX + "/viewer/features/1")
    other = make_gateway("features", menus)
    assert await other.answers(ADA) == [(PROFILE,)]
    assert other.counted["remote spoiled"] == 1


async def test_the_same_account_as_another_type_is_another_viewer(make_gateway: MakeGateway) -> None:
    menus: Store[Identity, Any] = Store({ADA: (PROFILE,)}, ())
    await make_gateway("features", menus).read(ADA)
    other = make_gateway("features", menus)
    assert await other.answers(Identity(1, identity_pb2.ACCOUNT_TYPE_STAFF)) == [()]
    assert len(menus.asked) == 2


async def test_what_an_account_is_shown_counts_each_time_and_what_a_guest_is_shown_is_kept(
    make_gateway: MakeGateway, cache: Redis
) -> None:
    shown: Store[BannersKey, Any] = Store({}, (banner_pb2.Banner(id=1),))
    gateway = make_gateway("banners", shown)
    ada, guest = BannersKey(ADA, TOP), BannersKey(GUEST, TOP)
    for _ in range(2):
        await gateway.read(ada)
        await gateway.read(guest)
    assert shown.asked == [[ada], [guest], [ada]]
    await gateway.read(ada, guest)
    assert shown.asked[3:] == [[ada]]
    assert await cache.keys(PREFIX + "*") == [PREFIX.encode() + b"/viewer/banners/guest/1"]


async def test_a_handle_is_kept_without_case(make_gateway: MakeGateway) -> None:
    named: Store[str, Any] = Store({"Ada": account(1), "ada": account(1)}, None)
    gateway = make_gateway("account_by_handle", named)
    assert await gateway.read("Ada", "ada") == [account(1), account(1)]
    assert gateway.knows("ADA")
    assert named.asked == [["ada"]]


async def test_a_session_ends_when_its_time_is_over(make_gateway: MakeGateway, clock: Clock, cache: Redis) -> None:
    soon = datetime.fromtimestamp(clock.now, UTC) + timedelta(seconds=0.5)
    sessions: Store[str, Any] = Store({TOKEN: session(1, soon)}, session(0, soon, 2))
    gateway = make_gateway("session_by_token", sessions)
    await gateway.read(TOKEN)
    assert gateway.knows(TOKEN)
    [key] = await cache.keys(PREFIX + "*")
    assert 0 < await cache.pttl(key) <= 500
    clock.now += 0.5
    sessions.values[TOKEN] = session(1, soon, account_pb2.VerifiedSession.STATE_EXPIRED)
    assert await gateway.answers(TOKEN) == [sessions.values[TOKEN]]


async def test_a_token_that_is_nobodys_is_not_kept_in_the_shared_cache(make_gateway: MakeGateway, cache: Redis) -> None:
    unknown = session(0, FAR, account_pb2.VerifiedSession.STATE_UNKNOWN)
    sessions: Store[str, Any] = Store({}, unknown)
    gateway = make_gateway("session_by_token", sessions)
    assert await gateway.read(TOKEN) == [unknown]
    assert gateway.knows(TOKEN)
    [lease] = await cache.mget(await cache.keys(PREFIX + "*"))
    assert repr(lease).startswith("b'L")


async def test_no_cache_ever_holds_a_token(make_gateway: MakeGateway, cache: Redis) -> None:
    sessions: Store[str, Any] = Store({TOKEN: session(1, FAR)}, None)
    gateway = make_gateway("session_by_token", sessions)
    await gateway.read(TOKEN)
    [key] = await cache.keys("*")
    assert TOKEN not in f"{key!r} {await cache.get(key)!r}"
    assert TOKEN not in repr(vars(gateway.local))


async def test_sessions_are_kept_briefly(make_gateway: MakeGateway, cache: Redis) -> None:
    sessions: Store[str, Any] = Store({TOKEN: session(1, FAR)}, None)
    await make_gateway("session_by_token", sessions).read(TOKEN)
    [key] = await cache.keys(PREFIX + "*")
    assert 0 < await cache.pttl(key) <= LIFETIMES.sessions.remote * 1000 <= 5_000
    assert LIFETIMES.sessions.local <= 1


@pytest.mark.parametrize("change", ["account/1", f"session/{subjects.token_hash(TOKEN)}"])
async def test_a_session_is_forgotten_when_it_ends_and_when_its_account_changes(
    change: str, make_gateway: MakeGateway
) -> None:
    sessions: Store[str, Any] = Store({TOKEN: session(1, FAR)}, None)
    gateway = make_gateway("session_by_token", sessions)
    await gateway.read(TOKEN)
    gateway.heard.note(["account/2"])
    assert gateway.knows(TOKEN)
    gateway.heard.note([change])
    sessions.values[TOKEN] = session(0, FAR, account_pb2.VerifiedSession.STATE_UNKNOWN)
    assert await gateway.read(TOKEN) == [sessions.values[TOKEN]]


def test_no_answer_carries_the_proof_of_whom_it_was_for() -> None:
    proved = dataclasses.replace(ADA, assertion="proof-of-ada")
    keys: dict[str, Any] = {"features": proved, "banners": BannersKey(proved, TOP)}
    for question, key in keys.items():
        rule = RULES[question]
        assert isinstance(rule, Kept)
        assert b"proof-of-ada" not in rule.pack(key, ())
        assert rule.unpack(key, rule.pack(key, ())) == ()
