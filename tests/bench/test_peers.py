"""Peers in Node.js: installed when they are wanted, left out where that cannot be."""

import json
import os
from pathlib import Path

import pytest

from bench import peers
from bench.__main__ import available


def stub(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder where programs are found."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/nowhere")
    return tmp_path


def test_without_npm_they_are_left_out_and_the_others_stay(programs: Path) -> None:
    stub(programs, "node", "exit 0")
    assert available(["gateway", "mercurius", "constant", "apollo"]) == (
        ("gateway", "constant"),
        "Left out: mercurius and apollo, since there is no npm.",
    )


def test_nobody_asks_for_npm_who_does_not_want_them(programs: Path) -> None:
    assert available(["gateway", "constant"]) == (("gateway", "constant"), "")


def test_the_lock_holds_every_package_by_its_content_and_no_address_of_a_registry() -> None:
    packages = json.loads(peers.LOCK.read_text())["packages"]
    del packages[""]
    assert len(packages) > 100
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not [name for name, package in packages.items() if "resolved" in package]
