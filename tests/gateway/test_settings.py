from gateway.settings import Settings
from services.runtime import settings


def test_other_processes_know_the_names_that_only_the_gateway_reads() -> None:
    shared = set(settings.names(settings.Settings))
    own = {name.removeprefix(settings.PREFIX) for name in settings.names(Settings) if name not in shared}
    assert own == set(settings.GATEWAY_NAMES)


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
