"""What gRPC itself does for a channel: where it connects, how it keeps connections, whom it leaves out, what it sends
again.

The settings were tried: https://github.com/grpc/grpc/blob/master/doc/service_config.md says what they mean, and
`tests/services/runtime/channels/test_servers.py` what they do.
"""

import json
from functools import cache
from importlib import import_module
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

OPTIONS: list[tuple[str, Any]] = [
    ("grpc.service_config_disable_resolution", 1),
    ("grpc.keepalive_time_ms", 5000),
    ("grpc.keepalive_timeout_ms", 2000),
    # Without it a frozen server is not noticed for a quarter of a minute.
    ("grpc.http2.ping_timeout_ms", 2000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    # A backend that returns is found within a second.
    ("grpc.max_reconnect_backoff_ms", 1000),
]
"""Options of every channel."""
EJECTION = {
    "interval": "0.5s",
    "baseEjectionTime": "5s",
    "maxEjectionTime": "30s",
    # The others must be able to do the work: of two servers that both fail, one stays.
    "maxEjectionPercent": 50,
    "failurePercentageEjection": {
        "threshold": 50,
        "enforcementPercentage": 100,
        "minimumHosts": 2,
        "requestVolume": 3,
    },
    "childPolicy": [{"round_robin": {}}],
}
"""A server that fails half of at least 3 calls within half a second is left out for 5 s, then for longer."""
RETRIES = {
    "maxAttempts": 3,
    "initialBackoff": "0.02s",
    "maxBackoff": "0.2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
RETRY_BUDGET = {"maxTokens": 10, "tokenRatio": 0.1}
"""A failure costs a token, a success earns a tenth of one; with half of the tokens gone nothing is repeated."""


@cache
def contract(backend: str) -> ServiceDescriptor:
    """The gRPC service of a backend; by convention it is `<Backend>Service` of the package `<backend>.v1`."""
    module = import_module(f"schema.generated.{backend}.v1.{backend}_pb2")
    service: ServiceDescriptor = module.DESCRIPTOR.services_by_name[f"{backend.capitalize()}Service"]
    return service


@cache
def reads(backend: str) -> frozenset[str]:
    """Names of the backend's methods that only read, as its contract says: they may be sent twice."""
    harmless = MethodOptions.NO_SIDE_EFFECTS
    methods = contract(backend).methods
    return frozenset(method.name for method in methods if method.GetOptions().idempotency_level == harmless)


def service_config(backend: str) -> str:
    """How gRPC is to treat the servers of a backend, as JSON."""
    service = contract(backend).full_name
    repeatable = [{"service": service, "method": name} for name in sorted(reads(backend))]
    config = {
        "loadBalancingConfig": [{"outlier_detection_experimental": EJECTION}],
        "healthCheckConfig": {"serviceName": service},
        "retryThrottling": RETRY_BUDGET,
        "methodConfig": [{"name": repeatable, "retryPolicy": RETRIES}] if repeatable else [],
    }
    return json.dumps(config)


def target(address: str) -> str:
    """What gRPC calls an address of the settings: `unix:/path`, `host:port`, or several of a kind after commas."""
    servers = address.split(",")
    if len(servers) == 1:
        return address
    if address.startswith("unix:"):
        return "unix:" + ",".join(server.removeprefix("unix:") for server in servers)
    return ("ipv6:" if address.startswith("[") else "ipv4:") + address
