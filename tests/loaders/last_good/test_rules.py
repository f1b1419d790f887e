"""Each question that a lasting field asks is remembered, and nothing else."""

from typing import Any

import pytest
from google.protobuf.message import DecodeError

from loaders.last_good.rules import LASTING
from schema.generated.activity.v1.activity_pb2 import ACTIVITY_KIND_POST, ActivityPage, Audience
from schema.generated.banner.v1.banner_pb2 import BANNER_SLOT_HOME_TOP, Banner
from schema.generated.identity.v1.identity_pb2 import ACCOUNT_TYPE_CREATOR, ACCOUNT_TYPE_PERSONAL
from schema.generated.permission.v1.permission_pb2 import Feature
from schema.generated.sharing.v1.sharing_pb2 import SCOPE_UNSPECIFIED
from schema.graphql.ports import BannersKey, FeedKey, Identity
from schema.graphql.seams import SEAMS, DegradeMode
from services.runtime.changed import MARKED_SECONDS
from tests.loaders.caching.town import QUESTIONS, account

ADA, BO = Identity(1, ACCOUNT_TYPE_PERSONAL), Identity(2, ACCOUNT_TYPE_CREATOR)
PAGE = ActivityPage(items=[ActivityPage.Item(cursor="c")], question=1)
ANSWERS: list[tuple[str, Any, Any]] = [
    ("account_by_id", 1, account(1)),
    ("features", ADA, (Feature(key="orders"),)),
    ("banners", BannersKey(ADA, BANNER_SLOT_HOME_TOP), (Banner(id=7),)),
    ("feed", FeedKey(ADA, 20, ""), PAGE),
    ("own_activities", FeedKey(BO, 20, ""), PAGE),
    ("audience", 2, Audience(account_id=2, followers=3)),
]


def test_every_lasting_field_has_a_question_that_is_remembered() -> None:
    shown = [field for rule in LASTING.values() for field in rule.fields]
    assert sorted(shown) == sorted(name for name, seam in SEAMS.items() if seam.mode is DegradeMode.STALE)
    assert [answer[0] for answer in ANSWERS] == list(LASTING)
    assert all(QUESTIONS[name].scope != SCOPE_UNSPECIFIED for name in LASTING)


def test_changes_are_marked_for_as_long_as_answers_last() -> None:
    assert 0 < max(rule.seconds for rule in LASTING.values()) <= MARKED_SECONDS


def test_whether_somebody_may_do_something_is_never_remembered() -> None:
    assert LASTING.keys().isdisjoint({"permission", "session_by_token", "private_attributes"})


@pytest.mark.parametrize(("question", "key", "answer"), ANSWERS)
def test_what_is_packed_is_unpacked(question: str, key: Any, answer: Any) -> None:
    rule: Any = LASTING[question]
    assert rule.is_good(key, answer)
    assert rule.unpack(key, rule.pack(key, answer)) == answer


@pytest.mark.parametrize(("question", "key", "answer"), ANSWERS)
def test_what_was_cut_short_is_no_answer(question: str, key: Any, answer: Any) -> None:
    rule: Any = LASTING[question]
    with pytest.raises((DecodeError, ValueError)):
        rule.unpack(key, rule.pack(key, answer)[:-1])


@pytest.mark.parametrize(
    ("question", "key", "answer"),
    [
        ("account_by_id", 1, None),
        ("account_by_id", 1, account(2)),
        ("feed", FeedKey(ADA, 20, "c"), PAGE),
        ("feed", FeedKey(ADA, 20, "", (ACTIVITY_KIND_POST,)), PAGE),
        ("feed", FeedKey(ADA, 20, ""), ActivityPage(cursor_refused=True)),
    ],
)
def test_what_is_no_answer_or_one_of_too_many_is_not_remembered(question: str, key: Any, answer: Any) -> None:
    assert not LASTING[question].is_good(key, answer)


@pytest.mark.parametrize(
    ("question", "key", "about"),
    [
        ("account_by_id", 1, {"account/1"}),
        ("features", ADA, {"account/1"}),
        ("feed", FeedKey(ADA, 20, ""), {"account/1", "deeds/1"}),
        ("own_activities", FeedKey(BO, 20, ""), {"account/2", "deeds/2"}),
        ("audience", 2, {"account/2", "deeds/2"}),
    ],
)
def test_an_answer_is_about_what_its_viewer_can_change(question: str, key: Any, about: set[str]) -> None:
    assert set(LASTING[question].about(key)) == about
