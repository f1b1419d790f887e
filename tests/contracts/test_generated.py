"""What is made from the contracts is what the contracts make, and no contract breaks what was released."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from schema import generate

ROOT = Path(__file__).parents[2]
BUF = Path(sys.executable).parent / "buf"
BASELINE = ROOT / "schema/released.binpb"


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    """A copy of the contracts, to be broken."""
    shutil.copytree(ROOT / "schema/proto", tmp_path / "schema/proto")
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    return tmp_path


def breaking(contracts: Path) -> tuple[int, str]:
    """How `buf breaking` ends on the contracts, and what it says."""
    command = [str(BUF), "breaking", "--against", str(BASELINE)]
    done = subprocess.run(command, cwd=contracts, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def change(contracts: Path, old: str, new: str) -> None:
    path = contracts / "schema/proto/account/v1/account.proto"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


def test_generated_files_are_what_the_contracts_make(tmp_path: Path) -> None:
    generate.generate(tmp_path)
    assert generate.stale(tmp_path) == []


def test_a_stale_a_missing_and_a_left_over_file_are_named(tmp_path: Path) -> None:
    generate.generate(tmp_path)
    (tmp_path / "account/v1/account_pb2.py").write_text("")
    (tmp_path / "banner/v1/banner_pb2.pyi").unlink()
    (tmp_path / "new.py").touch()
    assert generate.stale(tmp_path) == ["account/v1/account_pb2.py", "banner/v1/banner_pb2.pyi", "new.py"]


def test_the_contracts_keep_what_was_released(contracts: Path) -> None:
    assert breaking(contracts) == (0, "")


def test_a_new_field_breaks_nothing(contracts: Path) -> None:
    change(contracts, "optional string bio = 8;", "optional string bio = 8;\n  optional string motto = 80;")
    assert breaking(contracts) == (0, "")


def test_a_renamed_field_is_refused(contracts: Path) -> None:
    change(contracts, "optional string bio = 8;", "optional string words = 8;")
    code, words = breaking(contracts)
    assert code == 100
    assert 'Field "8" on message "Account" changed name from "bio" to "words".' in words


def test_a_dropped_rpc_is_refused(contracts: Path) -> None:
    callers = ("gateway", "platform")
    body = "".join(f'    option (identity.v1.callers) = "{name}";\n' for name in callers)
    change(contracts, f"rpc SignOut(SignOutRequest) returns (SignOutResponse) {{\n{body}  }}", "")
    code, words = breaking(contracts)
    assert code == 100
    assert 'Previously present RPC "SignOut" on service "AccountService" was deleted.' in words
