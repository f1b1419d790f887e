"""A lane is that of some work and of nothing else."""

from services.runtime.lane import LANE_LENGTH, in_lane, lane


def test_a_lane_ends_with_its_work() -> None:
    assert lane() == ""
    with in_lane("blue"):
        with in_lane("red"):
            assert lane() == "red"
        assert lane() == "blue"
    assert lane() == ""


def test_a_name_that_is_too_long_is_cut() -> None:
    with in_lane("x" * 1000):
        assert lane() == "x" * LANE_LENGTH
