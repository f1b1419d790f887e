"""The id that a request keeps over every process it passes: W3C Trace Context, with or without OpenTelemetry."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import trace

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_current: ContextVar[tuple[str, str, str] | None] = ContextVar("atrium_trace", default=None)
_follows_spans = False


def start_trace(parent: str | None = None) -> str:
    """Takes over the trace of a `traceparent` header, or begins one when there is none that is valid; its 32-digit id.

    Inside an OpenTelemetry span that span's trace is taken instead.
    """
    taken = _recorded() or _parsed(parent)
    made = os.urandom(24).hex()
    trace_part, flags = (taken[0], taken[2]) if taken else (made[:32], "01")
    _current.set((trace_part, made[32:], flags))
    return trace_part


@contextmanager
def in_trace(parent: str | None = None) -> Iterator[None]:
    """What runs inside belongs to the trace that `start_trace` starts; what comes after belongs to the one before."""
    before = _current.get()
    start_trace(parent)
    try:
        yield
    finally:
        _current.set(before)


def trace_id() -> str:
    """Id of the current trace; empty outside of any."""
    current = _recorded() or _current.get()
    return current[0] if current else ""


def traceparent() -> str:
    """The header that hands the current trace on; empty outside of any."""
    current = _recorded() or _current.get()
    return "00-{}-{}-{}".format(*current) if current else ""


@contextmanager
def following_spans() -> Iterator[None]:
    """Inside, the current trace is that of OpenTelemetry's current span, where there is one."""
    global _follows_spans  # It is the whole process that is traced or not, and to look for spans in vain takes time.
    before, _follows_spans = _follows_spans, True
    try:
        yield
    finally:
        _follows_spans = before


def _recorded() -> tuple[str, str, str] | None:
    if not _follows_spans:
        return None
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return None
    return trace.format_trace_id(span.trace_id), trace.format_span_id(span.span_id), f"{span.trace_flags:02x}"


def _parsed(header: str | None) -> tuple[str, str, str] | None:
    if header is None or (match := _TRACEPARENT.fullmatch(header)) is None:
        return None
    trace_part, span_part, flags, rest = match.groups()
    return None if rest and header.startswith("00") else (trace_part, span_part, flags)
