"""Trace ids follow W3C Trace Context."""

import re
from contextvars import Context, copy_context

import pytest

from services.runtime.telemetry import in_trace, start_trace, trace_id, traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_a_valid_parent_is_taken_over_with_a_span_of_our_own() -> None:
    assert start_trace(f"00-{TRACE}-{SPAN}-00") == TRACE
    assert trace_id() == TRACE
    version, trace, span, flags = traceparent().split("-")
    assert (version, trace, flags) == ("00", TRACE, "00")
    assert re.fullmatch("[0-9a-f]{16}", span)
    assert span != SPAN


def test_a_newer_version_may_say_more() -> None:
    assert start_trace(f"01-{TRACE}-{SPAN}-01-and-more") == TRACE


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}",
    ],
)
def test_without_a_valid_parent_a_trace_begins(header: str | None) -> None:
    started = start_trace(header)
    assert re.fullmatch("[0-9a-f]{32}", started)
    assert started != TRACE
    assert traceparent().startswith(f"00-{started}-")


def test_there_is_no_trace_before_the_first() -> None:
    def look() -> tuple[str, str]:
        return trace_id(), traceparent()

    assert Context().run(look) == ("", "")


def test_a_trace_stays_where_it_began() -> None:
    outer = start_trace()
    inner = copy_context().run(start_trace)
    assert inner != outer
    assert trace_id() == outer


def test_a_trace_for_some_work_ends_with_it() -> None:
    outer = start_trace()
    with in_trace(f"00-{TRACE}-{SPAN}-01"):
        assert trace_id() == TRACE
        with in_trace():
            assert trace_id() not in (TRACE, outer)
        assert trace_id() == TRACE
    assert trace_id() == outer
