"""What the bench asks the house outside of the measured time: sessions, bodies, numbers."""

import http.client
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bench.processes import tail
from bench.queries import HEADERS, body
from schema.generated.account.v1 import account_pb2, account_pb2_grpc
from schema.generated.identity.v1 import identity_pb2
from services.runtime.channels import PROOF
from services.runtime.settings import Settings
from services.runtime.trust import Trust

PASSWORD = "atrium-demo"
SECONDS_PER_CALL = 10.0
ANSWERED = re.compile(rb'^atrium_rpc_server_seconds_count\{[^}]*method="/?(?!grpc)[^}]*\} (\S+)$', re.MULTILINE)
"""RPCs that a backend answered, but for health checks."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that serves the home page on the loopback address."""

    name: str
    port: int
    pid: int
    log: Path
    load_cores: frozenset[int]
    """Where those who ask it run."""


def sign_in(data: Path, address: str, viewers: int) -> list[str]:
    """Tokens of this many open accounts that see banners, which companies do not: each asks all six questions."""
    caller = Trust(Settings(data=data)).caller("gateway")

    def asking(method: str) -> dict[str, Any]:
        proof = caller.proof("account", f"/account.v1.AccountService/{method}")
        return {"timeout": SECONDS_PER_CALL, "metadata": ((PROOF, proof),)}

    with grpc.insecure_channel(address) as channel:
        stub = account_pb2_grpc.AccountServiceStub(channel)
        wanted = account_pb2.BatchGetAccountsRequest(ids=range(1, 2 * viewers + 20))
        found = stub.BatchGetAccounts(wanted, **asking("BatchGetAccounts")).accounts
        chosen = sorted(filter(is_suitable, found), key=lambda account: account.id)[:viewers]
        requests = [account_pb2.SignInRequest(handle=account.handle, password=PASSWORD) for account in chosen]
        return [stub.SignIn(request, **asking("SignIn")).token for request in requests]


def is_suitable(account: account_pb2.Account) -> bool:
    open_to_all = account.status == account_pb2.ACCOUNT_STATUS_ACTIVE
    return open_to_all and account.type != identity_pb2.ACCOUNT_TYPE_BUSINESS


def serves(address: str) -> bool:
    """Whether a backend with its store ready answers at the address."""
    with grpc.insecure_channel(address) as channel:
        try:
            reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.RpcError:
            return False
        return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)


def listens(port: int) -> bool:
    """Whether somebody accepts connections at the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ask(subject: Subject, query: str, token: str) -> bytes:
    """The body that answers the query; exits when the status is not 200."""
    headers = {**HEADERS, "authorization": f"Bearer {token}"}
    status, answer = exchange(subject.port, "POST", "/graphql", body(query), headers)
    if status != 200:
        said = answer[:500].decode(errors="replace")
        raise SystemExit(f"{subject.name} answered {status}: {said}\nits log ends with:\n{tail(subject.log)}")
    return answer


def rpcs_answered(ports: Iterable[int]) -> int:
    """How many RPCs the backends say they answered, whose metrics are at these ports."""
    found = (ANSWERED.findall(exchange(port, "GET", "/metrics")[1]) for port in ports)
    return int(sum(float(count) for counts in found for count in counts))


def exchange(
    port: int, method: str, path: str, sent: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Status and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_PER_CALL)
    try:
        connection.request(method, path, sent, headers or {})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()
