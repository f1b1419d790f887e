"""The locks hold every dependency, each with its hashes, and no address of a registry."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements.lock", "requirements-dev.lock")


def pins(lock: str) -> dict[str, str]:
    """The line of each package, without its hashes."""
    text = (ROOT / lock).read_text()
    return {
        match[1]: match[0].strip() for match in re.finditer(r"^([a-z0-9.-]+)(?:\[.*?\])?==[^\\\n]+", text, re.MULTILINE)
    }


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def test_every_dependency_is_locked() -> None:
    assert names(PROJECT["project"]["dependencies"]) - pins("requirements.lock").keys() == set()
    assert names(PROJECT["dependency-groups"]["dev"]) - pins("requirements-dev.lock").keys() == set()


def test_the_larger_lock_contains_the_smaller_one() -> None:
    larger = pins("requirements-dev.lock")
    assert {name: larger.get(name) for name in pins("requirements.lock")} == pins("requirements.lock")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes(lock: str) -> None:
    packages = re.split(r"^(?=[a-z0-9])", (ROOT / lock).read_text(), flags=re.MULTILINE)[1:]
    assert len(packages) == len(pins(lock))
    assert [package.split()[0] for package in packages if "--hash=sha256:" not in package] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_registry_is_named(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert [word for word in ("://", "--index-url", "--find-links") if word in text] == []
