from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loaders.batching import MOST_PARTS, UNANSWERED, Question, by_place
from schema.errcode import AtriumError, BackendUnavailable, InvalidArgument, PermissionDenied, Unauthenticated
from schema.generated.identity.v1.identity_pb2 import ACCOUNT_TYPE_CREATOR, ACCOUNT_TYPE_PERSONAL
from schema.generated.sharing.v1.sharing_pb2 import SCOPE_LANE, SCOPE_VIEWER, Scope
from schema.graphql.ports import Identity, PrivateKey


@dataclass(frozen=True)
class Placed:
    """What was answered to the question at a place."""

    question: int
    value: str = ""


A, B, C = Placed(1, "a"), Placed(2, "b"), Placed(3, "c")


def test_a_reply_with_places_is_indexed_by_key_in_whatever_order_it_comes() -> None:
    assert by_place(["x", "y", "z"], [C, A, B]) == {"x": A, "y": B, "z": C}


def test_answers_to_what_nobody_asked_are_ignored() -> None:
    assert by_place(["x", "y"], [A, C, Placed(0), Placed(-1), B]) == {"x": A, "y": B}


def test_a_question_that_is_not_answered_is_missing_and_takes_no_other_along() -> None:
    assert by_place(["x", "y", "z"], [C, A]) == {"x": A, "z": C}


def test_a_question_that_is_answered_twice_is_not_answered() -> None:
    assert by_place(["x", "y"], [A, B, Placed(1, "another")]) == {"y": B}


async def test_a_key_that_the_backend_owes_an_answer_fails_alone() -> None:
    async def ask(keys: list[int]) -> Mapping[Hashable, int]:
        return dict.fromkeys([*keys[1:], 99], 0)

    answers = await Question[int, int]("squares", "mathematics", ask, missing=UNANSWERED).answered([1, 2, 3])
    lost = answers.pop(1)
    assert answers == {2: 0, 3: 0}
    assert isinstance(lost, BackendUnavailable)
    assert lost.backend == "mathematics"


class Diaries:
    """Answers each viewer, who is echoed by account alone, with the account's type."""

    def __init__(self) -> None:
        self.batches: list[list[PrivateKey]] = []

    async def ask(self, keys: list[PrivateKey]) -> Mapping[Hashable, int]:
        self.batches.append(keys)
        return {(key.viewer.account_id, key.account_id): key.viewer.account_type for key in keys}

    async def answered(self, scope: Scope.ValueType, keys: list[PrivateKey]) -> list[int | Exception]:
        question = Question[PrivateKey, int](
            "diaries",
            "diary",
            self.ask,
            missing=0,
            scope=scope,
            echo=lambda key: (key.viewer.account_id, key.account_id),
        )
        return list((await question.answered(keys)).values())


BEFORE, AFTER = Identity(1, ACCOUNT_TYPE_PERSONAL), Identity(1, ACCOUNT_TYPE_CREATOR)
OTHER = Identity(2, ACCOUNT_TYPE_PERSONAL)


async def test_viewers_whom_the_reply_cannot_tell_apart_do_not_share_a_call() -> None:
    diaries, keys = Diaries(), [PrivateKey(BEFORE, 7), PrivateKey(AFTER, 7), PrivateKey(OTHER, 7)]
    assert await diaries.answered(SCOPE_VIEWER, keys) == [ACCOUNT_TYPE_PERSONAL, ACCOUNT_TYPE_PERSONAL, 3]
    assert diaries.batches == [[keys[0], keys[2]], [keys[1]]]


async def test_keys_whose_answer_depends_on_no_viewer_may_have_one_echo() -> None:
    diaries = Diaries()
    await diaries.answered(SCOPE_LANE, [PrivateKey(BEFORE, 7), PrivateKey(AFTER, 7)])
    assert len(diaries.batches) == 1


class Strict:
    """Refuses every call that one of these keys is in."""

    def __init__(self, refused: set[int], error: AtriumError) -> None:
        self.refused = refused
        self.error = error
        self.calls = 0

    async def ask(self, keys: list[int]) -> Mapping[Hashable, int]:
        self.calls += 1
        if self.refused & set(keys):
            raise self.error
        return dict(zip(keys, keys, strict=True))

    async def failed(self, keys: list[int]) -> set[int]:
        """The keys that got an error."""
        answers = await Question[int, int]("squares", "mathematics", self.ask, missing=UNANSWERED).answered(keys)
        assert set(answers) == set(keys)
        assert all(answer == key for key, answer in answers.items() if not isinstance(answer, AtriumError))
        return {key for key, answer in answers.items() if isinstance(answer, AtriumError)}


@pytest.mark.parametrize("error", [Unauthenticated(), PermissionDenied("x"), InvalidArgument("x", "is bad")])
async def test_a_key_that_a_call_is_refused_for_fails_alone(error: AtriumError) -> None:
    strict = Strict({7}, error)
    assert await strict.failed(list(range(1000))) == {7}
    assert strict.calls == 1 + 2 * 10


@given(refused=st.sets(st.integers(0, 199)), many=st.integers(1, 200))
async def test_however_many_are_to_blame_the_calls_are_few(refused: set[int], many: int) -> None:
    strict = Strict(refused, Unauthenticated())
    assert await strict.failed(list(range(many))) >= refused & set(range(many))
    assert strict.calls <= 1 + MOST_PARTS


async def test_what_is_nobodys_fault_is_not_asked_again() -> None:
    strict = Strict({7}, BackendUnavailable("mathematics"))
    assert await strict.failed(list(range(10))) == set(range(10))
    assert strict.calls == 1
