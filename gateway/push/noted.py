"""What is noted of an operation over a long connection: numbers, and a log line at its end."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import structlog

from gateway.body import Operation
from gateway.context import OperationContext
from gateway.gaps import counting
from gateway.operations import Answer
from schema import errcode
from services.runtime.telemetry import Metrics

Stream = Callable[[Operation, OperationContext], AsyncGenerator[Answer, None]]
_log = structlog.get_logger(__name__)


class Noted:
    """Streams answers as another does, and notes what was answered."""

    def __init__(self, stream: Stream, metrics: Metrics) -> None:
        self._stream = stream
        self._metrics = metrics
        self._count_gaps = counting(metrics)

    async def __call__(self, operation: Operation, context: OperationContext) -> AsyncGenerator[Answer, None]:
        """The answers as they come; one log line when there are no more, or nobody wants more."""
        started, code, sent, degraded = time.perf_counter(), errcode.OK, 0, 0
        try:
            async with aclosing(self._stream(operation, context)) as answers:
                async for answer in answers:
                    code = answer.error.code if answer.error else code
                    degraded += len(context.degraded)
                    self._count_gaps(context.degraded)
                    yield answer
                    sent += 1
                    self._metrics.push_sent.inc()
        finally:
            if code != errcode.OK:
                self._metrics.errors_logged.labels(str(code)).inc()
            _log.info(
                "subscription",
                operation=context.operation_name,
                viewer=context.viewer,
                code=code,
                sent=sent,
                degraded=degraded,
                seconds=round(time.perf_counter() - started, 2),
            )
