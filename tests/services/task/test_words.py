"""Periods, and what people mean by a date."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.task.biz import Count, Period, Report, Span, last_period, named_periods
from tests.conftest import NOON


def hour(number: int, day: int = 2) -> Period:
    return Period(Span.HOUR, datetime(2026, 3, day, number, tzinfo=UTC))


def day(number: int) -> Period:
    return Period(Span.DAY, datetime(2026, 3, number, tzinfo=UTC))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (NOON, hour(11)),
        (NOON + timedelta(minutes=59, seconds=59), hour(11)),
        (NOON - timedelta(microseconds=1), hour(10)),
        (datetime(2026, 3, 2, 0, 5, tzinfo=UTC), hour(23, day=1)),
        (datetime(2026, 3, 2, 0, 30, tzinfo=timezone(timedelta(hours=-1))), hour(0)),
    ],
)
def test_the_last_hour_is_one_that_is_over(moment: datetime, expected: Period) -> None:
    assert last_period(Span.HOUR, moment) == expected


def test_the_last_day_is_yesterday() -> None:
    assert last_period(Span.DAY, NOON) == day(1)
    assert last_period(Span.DAY, datetime(2026, 3, 2, tzinfo=UTC)) == day(1)


def test_a_period_ends_where_the_next_begins() -> None:
    assert hour(11).ends_at == hour(12).starts_at
    assert day(1).ends_at == day(2).starts_at


def test_a_period_is_called_as_people_write_it() -> None:
    assert (str(hour(9)), str(day(1))) == ("2026-03-02T09", "2026-03-01")


def test_a_day_means_itself_for_a_daily_task() -> None:
    assert named_periods(Span.DAY, "2026-03-01", NOON) == [day(1)]


def test_a_day_means_its_hours_for_an_hourly_task_as_far_as_they_are_over() -> None:
    assert named_periods(Span.HOUR, "2026-03-01", NOON) == [hour(number, day=1) for number in range(24)]
    assert named_periods(Span.HOUR, "2026-03-02", NOON) == [hour(number) for number in range(12)]


def test_an_hour_means_itself() -> None:
    assert named_periods(Span.HOUR, "2026-03-02T11", NOON) == [hour(11)]


@pytest.mark.parametrize(
    ("span", "name", "problem"),
    [
        (Span.HOUR, "2026-03-02T12", "is not over yet"),
        (Span.DAY, "2026-03-02", "is not over yet"),
        (Span.DAY, "2027-01-01", "is not over yet"),
        (Span.DAY, "2026-03-01T11", "is for whole days"),
        (Span.DAY, "2026-02-30", "is neither a day"),
        (Span.HOUR, "2026-03-01T24", "is neither a day"),
        (Span.HOUR, "2026-3-1", "is neither a day"),
        (Span.HOUR, "yesterday", "is neither a day"),
        (Span.HOUR, "", "is neither a day"),
        (Span.DAY, " 2026-03-01", "is neither a day"),
    ],
)
def test_what_is_no_period_that_is_over_is_refused(span: Span, name: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        named_periods(span, name, NOON)


def test_a_report_adds_up_accounts_and_kinds() -> None:
    report = Report(day(1), [Count(1, "POST", 2), Count(1, "LIKE", 5), Count(2, "LIKE", 1)])
    assert report.accounts == 2
    assert report.kinds == {"LIKE": 6, "POST": 2}
