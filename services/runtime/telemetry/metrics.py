"""The numbers of one process, on a registry of its own, so that several may live in one test."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bucket bounds of every duration."""
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Bucket bounds of every number of keys, and of those who ask for them."""
PARTS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
"""Bucket bounds of numbers of RPCs that are shared."""


class Metrics:
    """The counters and histograms of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._durations(
            "atrium_request_seconds",
            "GraphQL requests answered, by seven-digit code and viewer type.",
            ("code", "viewer"),
        )
        self.rpcs_sent = self._durations(
            "atrium_rpc_client_seconds",
            "RPCs this process sent, by backend, method and gRPC code.",
            ("backend", "method", "code"),
        )
        self.rpcs_refused = Counter(
            "atrium_rpc_unsent_total",
            "RPCs this process did not send, by backend and what kept it: deadline, unreachable, in flight, silent or "
            "breaker.",
            ("backend", "reason"),
            registry=self.registry,
        )
        self.rpcs_handled = self._durations(
            "atrium_rpc_server_seconds", "RPCs this process answered, by method and gRPC code.", ("method", "code")
        )
        self.errors_logged = Counter(
            "atrium_errors_total",
            "Errors that reached the edge of this process, by seven-digit code.",
            ("code",),
            registry=self.registry,
        )
        self.plans = Counter(
            "atrium_plans_total",
            "Executions of an operation, and parts of one, by what became of its plan: hit, compiled or interpreted.",
            ("outcome",),
            registry=self.registry,
        )
        self.shed = Counter(
            "atrium_shed_total",
            "What an overloaded process refused or left out, to answer the rest in time: requests, RPCs, fields.",
            ("what",),
            registry=self.registry,
        )
        self.loop_lag = Gauge(
            "atrium_loop_lag_seconds",
            "How late the event loop of this process woke up, at the last heartbeat.",
            registry=self.registry,
        )
        self._count_loads()
        self._count_events_and_runs()
        self._count_caches()

    def _count_loads(self) -> None:
        self.degraded = Counter(
            "atrium_degraded_total",
            "Fields that were answered without their backend, by field, backend and mode: STALE, DEFAULT or NULL.",
            ("field", "backend", "mode"),
            registry=self.registry,
        )
        self.loader_batch = Histogram(
            "atrium_loader_batch_size",
            "Keys that were asked for in one call, by loader.",
            ("loader",),
            buckets=SIZES,
            registry=self.registry,
        )
        self.loader_operations = Histogram(
            "atrium_loader_operations",
            "Operations that one call was sent for, by loader.",
            ("loader",),
            buckets=SIZES,
            registry=self.registry,
        )
        self.request_rpcs = Histogram(
            "atrium_request_rpcs",
            "RPCs that were sent for a GraphQL request; one that n requests share counts 1/n for each of them.",
            buckets=PARTS,
            registry=self.registry,
        )
        self.operations_joined = Counter(
            "atrium_operations_joined_total",
            "Queries that were answered by an equal one that was under way.",
            registry=self.registry,
        )

    def _count_events_and_runs(self) -> None:
        self.outbox_unsent = Gauge(
            "atrium_outbox_unsent",
            "Events that were written and not yet published, by backend.",
            ("backend",),
            registry=self.registry,
        )
        self.outbox_lag = Gauge(
            "atrium_outbox_lag_seconds",
            "Age of the oldest event that is not yet published, by backend; 0 without one.",
            ("backend",),
            registry=self.registry,
        )
        self.events_consumed = Counter(
            "atrium_events_consumed_total",
            "Events that a consumer took, by consumer and outcome: applied, repeated, held, failed, refused.",
            ("consumer", "outcome"),
            registry=self.registry,
        )
        self.letters = Gauge(
            "atrium_dead_letters",
            "Events set aside, by consumer and state: parked, retrying, held.",
            ("consumer", "state"),
            registry=self.registry,
        )
        self.task_runs = Counter(
            "atrium_task_runs_total",
            "Runs of tasks, by task and outcome: ok or failed; and attempts that were retried.",
            ("task", "outcome"),
            registry=self.registry,
        )

        self.sockets = Gauge("atrium_sockets", "WebSockets open now.", registry=self.registry)
        self.subscriptions = Gauge("atrium_subscriptions", "Subscriptions that wait now.", registry=self.registry)
        self.push_sent = Counter(
            "atrium_push_sent_total", "Answers sent over long connections.", registry=self.registry
        )
        self.push_dropped = Counter(
            "atrium_push_dropped_total",
            "Long connections that this process ended because of their client, by close code.",
            ("code",),
            registry=self.registry,
        )

    def _count_caches(self) -> None:
        self.cache_reads = Counter(
            "atrium_cache_reads_total",
            "Answers looked for in a cache of the gateway, by question, level (local, remote) and outcome: hit, absent "
            "(it is known that there is none), miss, changed, spoiled; and those renewed before their time is over.",
            ("question", "level", "outcome"),
            registry=self.registry,
        )
        self.changes_heard = Counter(
            "atrium_changes_heard_total",
            "Changes that make caches of the gateway forget, by where they were heard: own, channel, gap.",
            ("source",),
            registry=self.registry,
        )

    def _durations(self, name: str, help_text: str, labels: tuple[str, ...]) -> Histogram:
        return Histogram(name, help_text, labels, buckets=SECONDS, registry=self.registry)
