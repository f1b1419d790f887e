"""docs/caching.md says of what is kept, and for how long, what is so."""

import re
from pathlib import Path

from gateway.settings import CacheSettings
from loaders.caching import RULES, Lifetimes
from loaders.caching.rules import Kept

ROW = re.compile(r"^\| `(\w+)` \| .* \| (\d+) s \| (\d+) s \| (\d+) s \|$", re.MULTILINE)
DOCUMENT = Path("docs/caching.md").read_text()


def test_the_table_is_the_rules() -> None:
    kept = {name: rule.seconds(Lifetimes()) for name, rule in RULES.items() if isinstance(rule, Kept)}
    real = {(name, each.local, each.remote, each.absent) for name, each in kept.items()}
    assert {(name, *map(float, seconds)) for name, *seconds in ROW.findall(DOCUMENT)} == real


def test_the_bounds_are_the_lifetimes_together() -> None:
    usual, sessions = Lifetimes().usual, Lifetimes().sessions
    assert f"{usual.local + usual.remote:.0f} seconds at most" in DOCUMENT
    assert f"; {sessions.local + sessions.remote:.0f} for sessions" in DOCUMENT


def test_the_lifetimes_are_the_settings() -> None:
    assert CacheSettings().sizes.lifetimes == Lifetimes()
    assert f"keeps {CacheSettings().entries:,} answers" in DOCUMENT
