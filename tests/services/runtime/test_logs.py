"""Logs are lines of JSON on stdout, each telling which request it belongs to and never a secret."""

import json
import logging
import sys
from collections.abc import Iterator
from contextvars import Context

import pytest
import structlog
from aiokafka.protocol.admin import SaslAuthenticateRequest_v0

from schema import errcode
from services.runtime.telemetry import configure_logging, start_trace


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for logger in (logging.getLogger(name) for name in logging.getLogger().manager.loggerDict):
        logger.setLevel(logging.NOTSET)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    outside_of_requests = Context()
    outside_of_requests.run(structlog.get_logger().info, "request", operation="Home\nSweet", rpcs=6, odd=frozenset({1}))
    [line] = lines(capsys)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {"event": "request", "level": "info", "operation": "Home\nSweet", "rpcs": 6, "odd": "frozenset({1})"}


def test_a_line_carries_the_trace_of_its_request(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    trace = start_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    structlog.get_logger().info("request")
    logging.getLogger("library").warning("slow %s", "query")
    assert [line["trace_id"] for line in lines(capsys)] == [trace, trace]


def test_the_standard_library_goes_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    logging.getLogger("uvicorn.error").error("cannot %s", "bind")
    [line] = lines(capsys)
    assert (line["event"], line["level"], line["logger"]) == ("cannot bind", "error", "uvicorn.error")


def test_what_is_below_the_level_is_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("warning")
    structlog.get_logger().info("quiet")
    logging.getLogger("library").info("quiet")
    logging.getLogger("httpx").info("quiet")
    assert lines(capsys) == []


def test_what_libraries_say_for_their_own_debugging_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("debug")
    logging.getLogger("aiokafka.conn").debug("Request: %s", SaslAuthenticateRequest_v0(b"\0house\0hunter2"))
    structlog.get_logger().debug("ours")
    assert [line["event"] for line in lines(capsys)] == ["ours"]


def test_libraries_that_tell_of_every_step_are_only_heard_when_they_warn(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    logging.getLogger("alembic.runtime.migration").info("Context impl SQLiteImpl.")
    logging.getLogger("httpx").info("HTTP Request: GET /")
    logging.getLogger("httpx").warning("odd")
    assert [line["event"] for line in lines(capsys)] == ["odd"]


@pytest.mark.parametrize(
    ("error", "explained"), [(errcode.Internal(), True), (errcode.AccountNotFound(7), False)], ids=["5xx", "4xx"]
)
def test_only_our_own_failures_are_explained(
    error: errcode.AtriumError, explained: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("info")
    try:
        raise error
    except errcode.AtriumError:
        structlog.get_logger().error("rpc failed", code=error.code, exc_info=sys.exc_info())
    [line] = lines(capsys)
    assert ("Traceback" in str(line.get("exception"))) is explained
    assert "exc_info" not in line


@pytest.mark.parametrize("name", ["password", "token", "authorization", "cookie", "secret"])
def test_a_secret_is_covered(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    structlog.get_logger().info("sign in", **{name: "hunter2"})
    assert lines(capsys)[0][name] == "***"
