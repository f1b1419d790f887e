import pytest
from pydantic import ValidationError

from gateway.settings import CacheSettings, Settings
from loaders.caching import Lifetimes, Seconds, Sizes
from services.runtime import settings
from services.runtime.gateway_names import GATEWAY_NAMES
from services.runtime.trust.assertions import LIFE_SECONDS


def test_other_processes_know_the_names_that_only_the_gateway_reads() -> None:
    shared = set(settings.names(settings.Settings))
    own = {name.removeprefix(settings.PREFIX) for name in settings.names(Settings) if name not in shared}
    assert own == set(GATEWAY_NAMES)


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_a_cache_that_nobody_shares_keeps_no_answers() -> None:
    alone = Settings(cache="memory://")
    assert (alone.cache_sizes.local, alone.cache_sizes.remote) == (True, False)
    for shared in (Settings(cache="memory://", embedded=True), Settings(cache="redis://127.0.0.1:6379/0")):
        assert shared.cache_sizes == Sizes()


def test_what_is_kept_and_how_long_can_be_chosen() -> None:
    chosen = CacheSettings(local=False, entries=99, remote_seconds=7, session_local_seconds=0.5)
    assert chosen.sizes == Sizes(
        local=False,
        entries=99,
        lifetimes=Lifetimes(usual=Seconds(2.0, 7.0, 5.0), sessions=Seconds(0.5, 5.0, 0.0)),
    )


def test_no_session_is_kept_for_longer_than_the_proof_in_it_counts() -> None:
    longest = CacheSettings(session_local_seconds=60, session_remote_seconds=60)
    kept = longest.session_local_seconds + longest.session_remote_seconds
    assert kept + Settings().request_seconds < LIFE_SECONDS / 2
    with pytest.raises(ValidationError):
        CacheSettings(session_remote_seconds=61)
