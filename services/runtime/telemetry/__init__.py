"""What a process tells of itself: metrics, logs and traces."""

from services.runtime.telemetry.logs import configure_logging
from services.runtime.telemetry.metrics import SECONDS, Metrics
from services.runtime.telemetry.trace_ids import in_trace, start_trace, trace_id, traceparent
from services.runtime.telemetry.tracing import configure_tracing, continued, instrument_asgi, instrument_http, span

__all__ = [
    "SECONDS",
    "Metrics",
    "configure_logging",
    "configure_tracing",
    "continued",
    "in_trace",
    "instrument_asgi",
    "instrument_http",
    "span",
    "start_trace",
    "trace_id",
    "traceparent",
]
