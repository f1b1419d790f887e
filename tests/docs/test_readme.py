"""Every example of the README is what a newcomer gets."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.docs.documents import ROOT, between, blocks
from tests.docs.shell import run
from tests.gateway.graphiql.process import running_gateway

README = "README.md"
RELIABILITY = "docs/reliability.md"
DEFAULT_ADDRESS = "http://127.0.0.1:8000"
# Which banners come first changes from day to day.
CHANGES_DAILY = "banners"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readme")


@pytest.fixture(scope="module")
def gateway(folder: Path) -> Iterator[str]:
    with running_gateway(folder) as address:
        yield address


def ask(gateway: str, query: str, token: str | None = None) -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.post(f"{gateway}/graphql", json={"query": query}, headers=headers).json()


def same_but_for_the_day(documented: Any, real: Any) -> bool:
    if isinstance(documented, dict):
        return documented.keys() == real.keys() and all(
            documented[key].__class__ is real[key].__class__
            if key == CHANGES_DAILY
            else same_but_for_the_day(documented[key], real[key])
            for key in documented
        )
    if isinstance(documented, list):
        return len(documented) == len(real) and all(map(same_but_for_the_day, documented, real))
    return bool(documented == real)


def test_the_home_query_answers_what_the_readme_shows(gateway: str) -> None:
    [query], [answer] = blocks(README, "graphql"), blocks(README, "json")
    signed_in = ask(gateway, 'mutation { signIn(handle: "ada", password: "atrium-demo") { token } }')

    real = ask(gateway, query, signed_in["data"]["signIn"]["token"])

    assert same_but_for_the_day(json.loads(answer), real), json.dumps(real, indent=2, ensure_ascii=False)


def test_every_shell_example_runs(gateway: str, folder: Path) -> None:
    script = "\n".join([*blocks(README, "sh"), *blocks(RELIABILITY, "sh")]).replace(DEFAULT_ADDRESS, gateway)

    ended = run(script, folder / "data")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert '{"data":{"viewer":{"type":"GUEST","home":{"__typename":"GuestHome"}}}}' in ended.stdout
    assert '{"data":{"viewer":{"type":"PERSONAL","account":{"handle":"ada"}}}}' in ended.stdout
    assert 'data: {"data":{"feedActivityAdded":{"text":' in ended.stdout
    assert "2026-11-23 10:58:25.442" in ended.stdout


def test_every_console_example_is_a_target_of_make() -> None:
    targets = [line.removeprefix("$ make ") for block in blocks(README, "console") for line in block.splitlines()]

    assert targets
    for target in targets:
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_the_table_of_settings_is_fresh() -> None:
    printed = run("python -m gateway settings --markdown", Path("var"))

    assert printed.returncode == 0, printed.stderr
    assert between(README, "settings") == printed.stdout.strip()


def test_every_local_link_leads_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"
