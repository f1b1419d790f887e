"""What gRPC is told about each backend; that it understands it, `test_servers.py` shows."""

import json

import pytest

from services.backends import BACKENDS
from services.runtime.channels.policy import contract, reads, service_config, target

WRITE = ("SignIn", "Follow", "BatchListBanners", "PublishActivity", "AllocateIds", "RunTask", "GetAccount")


@pytest.mark.parametrize(
    ("address", "called"),
    [
        ("unix:/run/atrium/a", "unix:/run/atrium/a"),
        ("unix:/run/a,unix:/run/b", "unix:/run/a,/run/b"),
        ("backends.example:7101", "backends.example:7101"),
        ("10.0.0.1:7101,10.0.0.2:7101", "ipv4:10.0.0.1:7101,10.0.0.2:7101"),
        ("[::1]:7101,[::2]:7101", "ipv6:[::1]:7101,[::2]:7101"),
    ],
)
def test_addresses_become_one_target(address: str, called: str) -> None:
    assert target(address) == called


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_backend_is_asked_for_its_health_by_its_own_name(backend: str) -> None:
    config = json.loads(service_config(backend))
    assert config["healthCheckConfig"] == {"serviceName": BACKENDS[backend].service}
    assert contract(backend).full_name == BACKENDS[backend].service


def test_only_what_reads_is_sent_again() -> None:
    assert "BatchGetAccounts" in reads("account")
    assert not {method for backend in BACKENDS for method in reads(backend)} & set(WRITE)
    [repeated] = json.loads(service_config("task"))["methodConfig"]
    assert repeated["name"] == [{"service": "task.v1.TaskService", "method": "ListRuns"}]
    assert json.loads(service_config("banner"))["methodConfig"] == []


def test_nothing_that_reads_is_named_like_a_change() -> None:
    changes = ("Create", "Change", "Update", "Close", "Move", "Purge", "Grant", "Revoke", "Sign", "Start", "Finish")
    assert not [method for backend in BACKENDS for method in reads(backend) if method.startswith(changes)]
