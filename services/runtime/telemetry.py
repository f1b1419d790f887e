"""What a process tells of itself: metrics here; logs and traces beside them."""

from prometheus_client import CollectorRegistry, Counter, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bucket bounds of every duration."""


class Metrics:
    """The counters and histograms of one process, on a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.rpcs_sent = Histogram(
            "atrium_rpc_client_seconds",
            "RPCs this process sent, by backend, method and gRPC code.",
            ("backend", "method", "code"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.rpcs_handled = Histogram(
            "atrium_rpc_server_seconds",
            "RPCs this process answered, by method and gRPC code.",
            ("method", "code"),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.errors_logged = Counter(
            "atrium_errors_total",
            "Errors that reached the edge of this process, by seven-digit code.",
            ("code",),
            registry=self.registry,
        )
