"""Logs: one JSON object per line on stdout, whoever writes them."""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor

from services.runtime.telemetry.trace_ids import trace_id

SECRETS = frozenset({"authorization", "cookie", "password", "secret", "token"})
"""Names whose values are never written."""
# Libraries that tell about each request or each migration step; their warnings are kept.
CHATTY = ("alembic", "asyncio", "httpx", "httpcore", "sqlalchemy", "uvicorn.access", "uvicorn.error")


def configure_logging(level: str = "info", **words: object) -> None:
    """Writes what is at least `level` to stdout; standard-library logging goes the same way, never below info.

    `words` stand in each line. What libraries say for their own debugging holds whatever they send, passwords as well.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        *([_adding(words)] if words else []),
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_trace_id,
        explain_failures_only,
        hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=StdoutLogger,
        cache_logger_on_first_use=False,
    )
    _route_standard_library(shared, least)


class StdoutLogger:
    """Writes whole lines to whatever stdout is at the moment, so that lines of two writers never mix."""

    def __init__(self, *_names: object) -> None:
        """structlog passes the name of the logger; lines do not need it."""

    def msg(self, line: str) -> None:
        """Writes one line at once."""
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    debug = info = warning = error = critical = exception = log = msg


def _adding(words: Mapping[str, object]) -> Processor:
    def add(_logger: object, _method: str, event: EventDict) -> EventDict:
        event.update(words)
        return event

    return add


def add_trace_id(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Says which request a line belongs to, when it belongs to one."""
    if current := trace_id():
        event["trace_id"] = current
    return event


def explain_failures_only(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Turns an exception into text when it is our failure; that of a refused request says nothing we need."""
    problem = event.pop("exc_info", None)
    if not problem or event.get("code", 5_000_000) < 5_000_000:
        return event
    event["exc_info"] = problem
    return structlog.processors.format_exc_info(_logger, _method, event)


def hide_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Covers values whose name says that they are secret."""
    for key in SECRETS.intersection(event):
        event[key] = "***"
    return event


def render(_logger: object, _method: str, event: Mapping[str, Any] | MutableMapping[str, Any]) -> str:
    """The line: a JSON object. What JSON does not know appears as its repr."""
    return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode("utf-8", "replace")


def _route_standard_library(shared: list[Processor], least: int) -> None:
    handler = StdoutHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(least, logging.INFO))
    logging.captureWarnings(capture=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(least, logging.WARNING))


class StdoutHandler(logging.Handler):
    """Writes standard-library records beside those of structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes one record as one line."""
        try:
            StdoutLogger().msg(self.format(record))
        except Exception:
            self.handleError(record)
