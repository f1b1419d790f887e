import pytest

from gateway.doctor import examine, look
from gateway.settings import Settings
from tests.conftest import free_port
from tests.gateway.conftest import House


def settings_of(addresses: dict[str, str], cache: str = "memory://") -> Settings:
    return Settings.model_validate({"addresses": addresses, "cache": cache})


async def test_every_part_that_answers_is_up(house: House) -> None:
    await house.backends.healthy()
    findings = await look(settings_of(dict(house.backends.addresses)))
    assert [(finding.part, finding.fine) for finding in findings] == [
        ("settings", True),
        ("account", True),
        ("permission", True),
        ("banner", True),
        ("activity", True),
        ("admin", True),
        ("cache", True),
    ]


def test_what_is_down_is_told_without_the_password_of_the_cache(capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    addresses = dict.fromkeys(("account", "permission", "banner", "activity", "admin"), nowhere)
    assert examine(settings_of(addresses, f"redis://user:hunter2@{nowhere}/0")) is False
    printed = capsys.readouterr().out
    assert printed.count("down") == 6
    assert f"redis://{nowhere}/0" in printed
    assert "hunter2" not in printed
