"""`python -m services admin`, as a shell runs it, against processes that serve."""

import csv
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from services.runtime.settings import Addresses
from services.runtime.web import listen
from tests.conftest import free_port
from tests.gateway.process import PATIENCE, finished, running

PASSWORD = "atrium-demo\n"
SAM = ("--as", "sam", "--password-stdin")
WHY = ("--reason", "asked")


@dataclass
class Town:
    """Every backend in one process, and the shell before it."""

    settings: dict[str, str]
    folder: Path

    def run(self, *words: str, who: tuple[str, ...] = SAM, text: str = "", **settings: str) -> Any:
        """The command, run to its end."""
        typed = PASSWORD + text if "--password-stdin" in who else text
        return finished(("services", "admin", *who, *words), self.settings | settings, typed)

    def done(self, *words: str, text: str = "") -> str:
        """What a command printed that succeeded."""
        result = self.run(*words, text=text)
        assert (result.returncode, "Traceback" in result.stderr) == (0, False), result.stderr
        return str(result.stdout)

    def json(self, *words: str, text: str = "") -> Any:
        """What it printed for a script."""
        return json.loads(self.done("--json", *words, text=text))

    def refused(
        self, *words: str, who: tuple[str, ...] = SAM, text: str = "", settings: Mapping[str, str] = {}
    ) -> tuple[int, str]:
        """Exit code and the last line of a command that failed, which printed nothing else."""
        result = self.run(*words, who=who, text=text, **settings)
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        return result.returncode, result.stderr.splitlines()[-1]

    def rows(self, backend: str, query: str) -> list[Any]:
        """What a store holds."""
        with closing(sqlite3.connect(self.folder / f"{backend}.db")) as store:
            return store.execute(query).fetchall()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder, port = tmp_path_factory.mktemp("data"), free_port()
    with TemporaryDirectory(prefix="atrium-") as sockets:
        addresses = Addresses.sockets(sockets).model_dump()
        named = {f"ADDRESSES__{name.upper()}": address for name, address in addresses.items()}
        settings = {"DATA": str(folder), **named}
        for command in (("migrate",), ("demo", "--accounts", "60")):
            result = finished(("services", *command), settings)
            assert result.returncode == 0, result.stderr
        serving = settings | {"METRICS_PORT": str(port)}
        with running(("services", "serve"), serving, folder / "log.txt") as process:
            process.wait_for(f"http://127.0.0.1:{port}/readyz")
            yield Town(settings, folder)


def test_accounts_are_found_and_shown_in_a_table(town: Town) -> None:
    printed = town.done("search", "--status", "closing", "--first", "2")
    assert [line.split()[0] for line in printed.splitlines() if line.strip().startswith("acc_")] == ["acc_50", "acc_51"]
    assert "go on with --after acc_51" in printed
    assert "no accounts" in town.done("search", "--handle", "nobody_here")


def test_accounts_are_found_by_scripts(town: Town) -> None:
    found = town.json("search", "--type", "STAFF", "--name", "sam")
    assert [(account["id"], account["handle"]) for account in found["accounts"]] == [("4", "sam")]
    assert [account["id"] for account in town.json("search", "--id", "acc_2", "--id", "1")["accounts"]] == ["1", "2"]
    assert found["hasNextPage"] is False


def test_an_account_is_shown_by_its_id_and_by_its_handle(town: Town) -> None:
    assert town.json("show", "ada") == town.json("show", "acc_1") == town.json("show", "1")
    printed = town.done("show", "ADA")
    for part in ("1990-12-10", "wallet.view: denied", "followers"):
        assert part in printed


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("show", "nobody_here"), "atrium: 4040100 there is no account nobody_here"),
        (("show", "999"), "atrium: 4040100 there is no account 999"),
        (("change", "bo", *WHY, "--version", "9", "--set", "bio=x"),
         "atrium: 4090100 version: 9 is no longer the current one: read again, then retry"),
        (("close", "bo", "--reason", " ", "--yes"), "atrium: 4000100 reason: must not be blank"),
        (("close", "acc_50", *WHY, "--yes"),
         "atrium: 4090300 the account is CLOSING: only an ACTIVE one can be closed"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_line_with_its_code(town: Town, words: tuple[str, ...], line: str) -> None:
    assert town.refused(*words) == (1, line)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("search", "--type", "ROBOT"), "atrium: --type ROBOT: there are GUEST, PERSONAL, CREATOR, BUSINESS, STAFF"),
        (("search", "--id", "act"), "atrium: --id act: is no id"),
        (("change", "bo", *WHY),
         "atrium: --set: must name what to change: display_name, handle, avatar_url, bio, verified, "
         "category, company_name, industry, department, birthday"),
        (("change", "bo", *WHY, "--set", "age=7"),
         "atrium: --set age=7: must be NAME=VALUE, with display_name, handle, avatar_url, bio, verified, "
         "category, company_name, industry, department, birthday for a name"),
        (("change", "bo", *WHY, "--set", "verified=perhaps"), "atrium: --set verified=perhaps: must be true or false"),
        (("close", "bo"), "atrium: Missing option '--reason'."),
        (("merge", "1", "2"), "atrium: --reason: is needed unless it is a dry run"),
        (("export", "/nowhere/at/all.csv"), "atrium: cannot write /nowhere/at/all.csv: no such file or directory"),
    ],
)  # fmt: skip
def test_a_command_that_cannot_be_meant_is_one_line(town: Town, words: tuple[str, ...], line: str) -> None:
    assert town.refused(*words) == (2, line)


def test_whoever_acts_must_say_so_and_prove_it(town: Town) -> None:
    code, line = town.refused("search", who=())
    assert (code, line.startswith("atrium: say who you are")) == (2, True)
    wrong = town.run("search", who=("--as", "nobody", "--password-stdin"))
    assert (wrong.returncode, wrong.stderr) == (1, "atrium: 4010300 wrong handle or password\n")
    assert town.refused("search", who=(), settings={"TOKEN": "stolen"}) == (
        1, "atrium: 4010100 nobody is signed in with the token in ATRIUM_TOKEN",
    )  # fmt: skip
    denied = (1, "atrium: 4030100 this needs the permission admin.accounts.read")
    assert town.refused("search", who=("--as", "ada", "--password-stdin")) == denied


def test_a_token_will_do_and_is_left_as_it_is(town: Town) -> None:
    token = finished(("gateway", "token", "sam", "--password-stdin"), town.settings, PASSWORD).stdout.strip()
    sessions = "SELECT count(*) FROM account_session WHERE account_id = 4"
    before = town.rows("account", sessions)
    for _ in range(2):
        result = town.run("search", "--handle", "ada", who=(), TOKEN=token)
        assert (result.returncode, "acc_1" in result.stdout) == (0, True)
    assert town.rows("account", sessions) == before


def test_a_session_of_a_command_ends_with_it(town: Town) -> None:
    sessions = "SELECT count(*) FROM account_session WHERE account_id = 33"
    [account] = (town.json("show", "33")["account"]["handle"],)
    assert town.run("search", who=("--as", account, "--password-stdin")).returncode == 0
    assert town.rows("account", sessions) == [(0,)]


def test_an_account_lives_at_the_shell(town: Town) -> None:
    own = ("--type", "business", "--set", "company_name=Acme Ltd", "--set", "verified=true")
    create = ("create", "--handle", "acme", "--name", "Acme", *WHY, *own, "--new-password-stdin")
    created = town.json(*create, text="long-enough\n")["account"]
    assert created["business"] == {"companyName": "Acme Ltd", "verified": True}
    signed_in = finished(("gateway", "token", "acme", "--password-stdin"), town.settings, "long-enough\n")
    assert signed_in.returncode == 0
    new = ("--set", "bio=Hello", "--set", "verified=no", "--set", "company_name=Acme Inc")
    changed = town.json("change", "acme", *WHY, *new)["account"]
    assert (changed["bio"], changed["version"]) == ("Hello", 2)
    assert changed["business"] == {"companyName": "Acme Inc", "verified": False}
    for text, end in (("n\n", "nothing changed"), ("", "atrium: nothing done")):
        code, line = town.refused("close", "acme", *WHY, text=text)
        assert (code, line.startswith("Close acme? "), line.endswith(end)) == (1, True, True)
    statuses = [
        town.json(*words)["account"]["status"]
        for words in (
            ("close", "acme", *WHY, "--yes"),
            ("reopen", "acme", *WHY),
            ("suspend", "acme", *WHY, "--yes"),
        )
    ]
    assert statuses == [f"ACCOUNT_STATUS_{status}" for status in ("CLOSING", "ACTIVE", "SUSPENDED")]
    kinds = [change["kind"] for change in town.json("history", "acme")["changes"]]
    assert kinds[-2:] == ["CHANGE_KIND_ATTRIBUTES", "CHANGE_KIND_OPENED"]
    assert "bio: - → 'Hello'" in town.done("history", "acme")
    done = [audit["action"] for audit in town.json("audits", "--account", "acme", "--first", "200")["audits"]]
    changes = [action for action in reversed(done) if action not in ("GetAccount", "ListChanges")]
    assert changes == ["CreateAccount", "ChangeAccount", "CloseAccount", "ReopenAccount", "SuspendAccount"]
    assert "long-enough" not in json.dumps(town.rows("admin", "SELECT * FROM admin_audit"))


def test_permissions_are_granted_denied_and_taken_back(town: Town) -> None:
    assert town.json("grant", "bo", "studio.use", *WHY)["changed"] is True
    denied = town.json("grant", "bo", "studio.use", "--deny", *WHY)["grants"]
    assert {"permission": "studio.use", "allow": False} in denied
    assert "studio.use" not in town.done("revoke", "bo", "studio.use", *WHY)
    assert "nothing changed" in town.done("revoke", "bo", "studio.use", *WHY)


def test_activities_are_shown_with_filters(town: Town) -> None:
    found = town.json("activities", "--author", "ada", "--kind", "post", "--first", "3")["activities"]
    assert {(one["authorId"], one["kind"]) for one in found} == {("1", "ACTIVITY_KIND_POST")}
    older = town.json("activities", "--author", "ada", "--kind", "post", "--first", "3", "--after", found[-1]["id"])
    assert max(int(one["id"]) for one in older["activities"]) < int(found[-1]["id"])
    assert "no activities" in town.done("activities", "--until", "2000-01-01")


def test_an_export_is_a_whole_file(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    file.write_text("of yesterday")
    result = town.run("export", str(file))
    assert (result.returncode, result.stdout) == (0, "")
    [(count,)] = town.rows("activity", "SELECT count(*) FROM activity")
    with file.open(newline="") as opened:
        rows = list(csv.reader(opened, strict=True))
    assert (rows[0][0], len(rows) - 1) == ("id", count)
    assert f"{count} activities in {file}" in result.stderr
    assert list(tmp_path.iterdir()) == [file]


def test_an_export_to_stdout_is_nothing_but_the_file(town: Town) -> None:
    printed = town.done("export", "-", "--author", "ada", "--kind", "POST")
    rows = list(csv.reader(printed.splitlines(), strict=True))
    assert rows[0] == ["id", "author_id", "kind", "text", "created_at"]
    assert {(row[1], row[2]) for row in rows[1:]} == {("acc_1", "POST")}


def test_an_export_that_is_refused_leaves_the_old_file(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    file.write_text("of yesterday")
    who = ("--as", "ada", "--password-stdin")
    denied = (1, "atrium: 4030100 this needs the permission admin.activities.read")
    assert town.refused("export", str(file), who=who) == denied
    assert (file.read_text(), list(tmp_path.iterdir())) == ("of yesterday", [file])


def test_two_accounts_become_one_at_the_shell(town: Town) -> None:
    would = {amount["what"]: amount["count"] for amount in town.json("merge", "14", "15", "--dry-run")["moves"]}
    assert (set(would), would["activities"] > 0) == (
        {"sessions", "following", "followers", "activities", "grants"}, True,
    )  # fmt: skip
    code, line = town.refused("merge", "14", "15", *WHY, text="n\n")
    assert (code, line.endswith("[y/N]: nothing changed")) == (1, True)
    assert town.json("show", "14")["account"]["status"] == "ACCOUNT_STATUS_ACTIVE"
    merge = town.json("merge", "14", "15", *WHY, "--yes")
    assert (merge["state"], merge["targetId"]) == ("MERGE_STATE_DONE", "15")
    steps = {step["name"] for step in merge["steps"] if step["done"]}
    assert steps >= {"follows", "activities", "grants", "sessions", "finish"}
    assert len(steps) == len(merge["steps"])
    assert "into acc_15: DONE" in town.done("show", "14")
    code, line = town.refused("merge", "14", "16", *WHY, "--yes")
    assert (code, line.startswith("atrium: 4090400 ")) == (1, True)
    refused = town.run("merge", "50", "16", "--dry-run")
    assert (refused.returncode, refused.stdout) == (1, "refused: account 50 is CLOSING\n")
    itself = (1, "atrium: 4000100 targetId: must be the id of another account")
    assert town.refused("merge", "16", "16", "--dry-run") == itself
    assert town.refused("merge", "14", "15", *WHY, "--retry")[1].startswith("atrium: 4090400 ")


def test_the_desk_tells_what_was_done_at_it(town: Town) -> None:
    town.run("suspend", "16", *WHY, "--yes", who=("--as", "ada", "--password-stdin"))
    [audit, *_] = town.json("audits", "--action", "SuspendAccount", "--by", "ada")["audits"]
    assert (audit["actorId"], audit["accountId"], audit["outcome"]) == ("1", "16", 4030100)
    assert "4030100" in town.done("audits", "--action", "SuspendAccount", "--by", "ada", "--first", "1")


def test_a_desk_that_is_not_there_is_one_line(town: Town) -> None:
    nowhere = {"ADDRESSES__ADMIN": f"127.0.0.1:{free_port()}"}
    assert town.refused("search", settings=nowhere) == (1, "atrium: 5030100 the admin backend is unavailable")
    assert town.refused("export", "-", settings=nowhere) == (1, "atrium: 5030100 the admin backend is unavailable")
    without = {"ADDRESSES__ACCOUNT": f"127.0.0.1:{free_port()}"}
    assert town.refused("search", settings=without) == (1, "atrium: 5030100 the account backend is unavailable")


def test_a_command_that_is_interrupted_does_not_count_as_done(town: Town, tmp_path: Path) -> None:
    signed_in = finished(("gateway", "token", "sam", "--password-stdin"), town.settings, PASSWORD)
    with listen("127.0.0.1", 0) as silent:
        silent.settimeout(PATIENCE)
        settings = town.settings | {
            "TOKEN": signed_in.stdout.strip(),
            "ADDRESSES__ADMIN": f"127.0.0.1:{silent.getsockname()[1]}",
        }
        with running(("services", "admin", "search"), settings, tmp_path / "output") as process:
            connection, _ = silent.accept()
            with connection:
                code, _ = process.stop()
    assert (code, process.output) == (130, "")


def test_help_comes_without_signing_in(town: Town) -> None:
    for words in ((), ("--help",), ("merge", "--help")):
        result = town.run(*words, who=())
        assert (result.returncode in (0, 2), "Usage: python -m services admin" in result.stdout) == (True, True)
        assert result.stderr == ""
