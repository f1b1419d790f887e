"""Who may import whom: a small house that keeps the rules passes, and each planted breach is found by its rule."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINT_IMPORTS = Path(sys.executable).parent / "lint-imports"
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
RULES = [contract["id"] for contract in SETTINGS["contracts"]]
HOUSE = {
    "gateway/app.py": "import loaders.account\nimport schema.graphql.types\n",
    "gateway/execution/executor.py": "import graphql\n",
    "gateway/execution/plans.py": "",
    "gateway/execution/running.py": "",
    "gateway/execution/for_strawberry.py": "import strawberry\nimport gateway.execution.executor\n",
    "gateway/context.py": "",
    "gateway/errors.py": "",
    "gateway/operations.py": "import gateway.execution.for_strawberry\n",
    "gateway/settings.py": "",
    "gateway/embedded.py": "import services.backends\nimport services.runtime.demo\n",
    "loaders/account.py": "import services.runtime.channels\nimport schema.generated.account\n",
    "services/backends.py": "import services.account.wire\nimport services.banner.wire\n",
    "services/__main__.py": "import services.backends\nimport services.runtime.channels\n",
    "services/runtime/channels.py": "import grpc\nimport schema.errcode\n",
    "services/runtime/demo.py": "",
    "services/account/biz.py": "import schema.errcode\n",
    "services/account/data.py": "import sqlalchemy\nimport services.account.biz\n",
    "services/account/demo.py": "import services.account.data\n",
    "services/account/service.py": "import grpc\nimport services.account.biz\nimport schema.generated.account\n",
    "services/account/wire.py": "import services.account.service\nimport services.account.data\n",
    "services/banner/biz.py": "",
    "services/banner/wire.py": "import services.banner.biz\n",
    "schema/errcode.py": "",
    "schema/generated/account.py": "import google.protobuf\n",
    "schema/graphql/types.py": "import schema.errcode\n",
}
BREACHES = [
    ("loaders/account.py", "gateway.app", "rooms"),
    ("services/runtime/channels.py", "loaders.account", "rooms"),
    ("schema/graphql/types.py", "services.runtime.channels", "rooms"),
    ("gateway/execution/executor.py", "gateway.operations", "execution"),
    ("gateway/execution/for_strawberry.py", "schema.graphql.types", "execution"),
    ("gateway/execution/running.py", "strawberry", "strawberry"),
    ("gateway/app.py", "services.backends", "embedded"),
    ("gateway/app.py", "services.account.biz", "embedded"),
    ("gateway/embedded.py", "services.account.wire", "embedded"),
    ("loaders/account.py", "services.account.data", "embedded"),
    ("services/account/service.py", "services.banner.biz", "backends"),
    ("services/runtime/channels.py", "services.account.biz", "backends"),
    ("services/account/data.py", "services.backends", "backends"),
    ("services/account/service.py", "gateway.app", "below"),
    ("services/banner/wire.py", "loaders.account", "below"),
    ("services/account/service.py", "schema.graphql.types", "below"),
    ("services/account/service.py", "services.account.data", "inside"),
    ("services/account/data.py", "services.account.service", "inside"),
    ("services/account/service.py", "services.account.wire", "inside"),
    ("services/account/biz.py", "services.account.data", "inside"),
    ("services/account/biz.py", "sqlalchemy", "biz"),
    ("services/account/biz.py", "google.protobuf", "biz"),
    ("services/banner/biz.py", "services.runtime.channels", "biz"),
    ("services/banner/biz.py", "schema.generated.account", "biz"),
    ("gateway/app.py", "sqlalchemy", "store"),
]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for name, source in HOUSE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in list(path.relative_to(tmp_path).parents)[:-1]:
            (tmp_path / folder / "__init__.py").touch()
        path.write_text(source)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def verdict(house: Path, *options: str) -> str:
    """The last line of what `lint-imports` says of the house."""
    command = [str(LINT_IMPORTS), "--no-cache", "--no-logo", *options]
    done = subprocess.run(command, cwd=house, capture_output=True, text=True)
    return next(line for line in str(done.stdout).splitlines() if line.startswith("Contracts: "))


def test_a_house_that_keeps_the_rules_passes(house: Path) -> None:
    assert verdict(house) == f"Contracts: {len(RULES)} kept, 0 broken."


@pytest.mark.parametrize(("importer", "imported", "rule"), BREACHES)
def test_a_breach_is_found_by_its_rule(house: Path, importer: str, imported: str, rule: str) -> None:
    (house / importer).write_text(f"{HOUSE[importer]}import {imported}\n")
    assert verdict(house, "--contract", rule) == "Contracts: 0 kept, 1 broken."


def test_every_rule_has_a_breach_that_proves_it() -> None:
    assert {rule for _, _, rule in BREACHES} == set(RULES)
