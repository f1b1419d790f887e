"""What is compared with what, and when."""

import pytest

from bench.measure import Plan, difference


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ({"a": [{"b": 1}, {"b": None}]}, ""),
        ({"a": [{"b": 1}, {"b": 2}]}, "a.1.b: None against 2"),
        ({"a": [{"b": 1}, {}]}, "a.1.b: None against nothing"),
        ({"a": [{"b": 1}]}, "a: [{'b': 1}, {'b': None}] against [{'b': 1}]"),
        ({"a": [{"b": 1}, {"b": None}], "c": 0}, "c: nothing against 0"),
        (None, ": {'a': [{'b': 1}, {'b': None}]} against None"),
    ],
)
def test_answers_differ_at_a_place(theirs: object, said: str) -> None:
    assert difference({"a": [{"b": 1}, {"b": None}]}, theirs) == said


def test_subjects_take_turns_in_each_round() -> None:
    plan = Plan(("gateway-with-caches", "handwritten"), (1, 32), rounds=3, seconds=1)
    assert [(step.subject, step.workload) for step in plan.round()] == [
        ("gateway-with-caches", "home@1"),
        ("handwritten", "home@1"),
        ("gateway-with-caches", "home@32"),
        ("handwritten", "home@32"),
        ("gateway-with-caches", "kept@32"),
    ]
    assert [(step.subject, step.workload) for step in plan.warm_up()] == [
        ("gateway-with-caches", "home@32"),
        ("handwritten", "home@32"),
    ]
    assert plan.steps == 2 + 3 * 5
