"""The one place that turns an error into what a client may read: message, code, reason, and the HTTP status."""

import re
from collections.abc import Iterable
from typing import Any, cast

import structlog
from graphql import GraphQLError

from gateway.negotiation import GRAPHQL
from schema import errcode
from services.runtime.telemetry import trace_id

MOST_CHARACTERS = 500
"""A message that quotes the client's input must not be as long as the input."""
FORESEEN = (errcode.BackendUnavailable, errcode.DeadlineExceeded, errcode.Overloaded)
"""Failures that say themselves what is wrong."""
_SUGGESTION = re.compile(r" ?Did you mean [^?]*\?", re.DOTALL)
_log = structlog.get_logger(__name__)


def explain(error: GraphQLError, *, executed: bool) -> errcode.AtriumError:
    """The error of the catalogue for one that GraphQL reports; `executed` when the operation had begun to run."""
    cause = root_cause(error)
    if isinstance(cause, errcode.AtriumError):
        return cause
    if executed and _is_about_input(error):
        return errcode.InvalidArgument.worded(error.message)
    if executed or cause is not error:
        return errcode.Internal()
    return errcode.InvalidOperation(error.message)


def root_cause(error: Exception) -> Exception:
    """What was raised at first: GraphQL wraps the errors of resolvers, once or several times."""
    while isinstance(error, GraphQLError) and error.original_error is not None:
        error = error.original_error
    return error


def _is_about_input(error: GraphQLError) -> bool:
    """Whether a variable or an argument does not fit: the first has no path, the second says so in words only."""
    return error.path is None or (error.original_error is None and error.message.startswith("Argument "))


def entry(known: errcode.AtriumError, error: GraphQLError | None = None, *, hints: bool = False) -> dict[str, Any]:
    """One of the `errors` of an answer; with `hints` its message may suggest names of the schema."""
    message = known.message if hints else _SUGGESTION.sub("", known.message)
    if len(message) > MOST_CHARACTERS:
        message = message[:MOST_CHARACTERS] + "…"
    place = cast(dict[str, Any], error.formatted) if error else {}
    return {
        "message": message,
        **{key: place[key] for key in ("locations", "path") if key in place},
        "extensions": {
            "code": known.code,
            "reason": known.reason,
            "retryable": known.retryable,
            "traceId": trace_id(),
            **({"retryAfter": known.retry_after} if known.retry_after else {}),
        },
    }


def http_status(known: errcode.AtriumError | None, *, has_data: bool, media: str) -> int:
    """The status of the answer to a well-formed request, as GraphQL over HTTP wants it.

    `graphql-response+json` tells a request error by its status. Clients of plain `json` expect 200 for whatever GraphQL
    refuses, so there only a failure of this side shows.
    """
    if known is None or has_data:
        return 200
    if isinstance(known, errcode.RateLimited):
        return known.http_status  # That is not about GraphQL.
    return known.http_status if media == GRAPHQL or known.http_status >= 500 else 200


def log_failures(failures: Iterable[tuple[errcode.AtriumError, Exception]]) -> None:
    """Logs each failure of this side once, with its cause, however many fields it spoiled.

    What could be foreseen gets no traceback: to write one takes as long as to answer a request, and while a backend is
    away there are many.
    """
    logged: set[int] = set()
    for known, cause in failures:
        if known.http_status < 500 or id(cause) in logged:
            continue
        logged.add(id(cause))
        if isinstance(cause, FORESEEN):
            _log.error("request failed", code=known.code, problem=known.message, **_origin(cause))
        else:
            _log.error("request failed", code=known.code, exc_info=cause)


def cut_loose(failures: Iterable[GraphQLError]) -> None:
    """Ends the tracebacks of errors of the catalogue, once they are logged.

    They refer to all that an operation knew, and that to them, so that only a collection could let go of it.
    """
    for failure in failures:
        error: Exception | None = failure
        while isinstance(error, GraphQLError | errcode.AtriumError):
            error.__traceback__ = None
            error = error.original_error if isinstance(error, GraphQLError) else None


def _origin(error: BaseException) -> dict[str, str]:
    """What the error came of, if of anything."""
    first = error
    while first.__cause__ is not None:
        first = first.__cause__
    return {} if first is error else {"cause": repr(first)}
