"""`python -m gateway documents`: what it writes, what it says, and with which code it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.documents.manifest import id_of
from gateway.documents_commands import app

NAMES = "query Names($ids: [ID!]!) { accounts(ids: $ids) { ...Name } }"
NAME = "fragment Name on Account { ...Handle displayName } fragment Handle on Account { handle }"
TEXT = """query Names($ids: [ID!]!) {
  accounts(ids: $ids) {
    ...Name
  }
}

fragment Handle on Account {
  handle
}

fragment Name on Account {
  ...Handle
  displayName
}"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "sources"
    (folder / "parts").mkdir(parents=True)
    (folder / "names.graphql").write_text(NAMES)
    (folder / "parts" / "name.gql").write_text(NAME)
    (folder / "notes.txt").write_text("nothing")
    return folder


@pytest.mark.parametrize("form", ["apollo", "map"])
def test_a_manifest_is_made_of_sources_and_passes_its_own_check(sources: Path, tmp_path: Path, form: str) -> None:
    output = tmp_path / "manifest.json"
    built = run("build", sources, "--output", output, "--format", form)
    assert (built.exit_code, built.stdout) == (0, f"{output}: 1 documents\n")
    content = json.loads(output.read_text())
    told = {content["operations"][0]["id"]: content["operations"][0]["body"]} if form == "apollo" else content
    assert told == {id_of(TEXT): TEXT}
    checked = run("check", output)
    assert (checked.exit_code, checked.stdout) == (0, "1 documents: all can be run\n")


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("names.graphql", "query Names {", "names.graphql:1:14: Syntax Error: Expected Name, found <EOF>."),
        ("names.graphql", "{ viewer { type } }", "names.graphql: holds an operation without a name"),
        ("names.graphql", "type A { a: Int }", "names.graphql: holds something that is neither an operation nor a"),
        ("names.graphql", f"{NAMES} {NAMES}", "names.graphql: Names: there is another one of this name"),
        ("parts/name.gql", f"{NAME} {NAME}", "name.gql: Name: there is another one of this name"),
        ("parts/name.gql", "fragment Other on Account { id }", "Names: there is no fragment Name"),
        ("parts/name.gql", NAME.replace("displayName", "name"), " (Names):13:3: Cannot query field 'name' on type"),
        ("names.graphql", "fragment A on Account { id }", "there is no operation in these sources"),
        ("names.graphql", NAMES.replace("$ids)", "$other)"), " (Names):2:17: Variable '$other' is not defined"),
    ],
)
def test_sources_of_which_no_manifest_can_be_made_are_refused(
    sources: Path, tmp_path: Path, file: str, text: str, problem: str
) -> None:
    (sources / file).write_text(text)
    built = run("build", sources, "--output", tmp_path / "manifest.json")
    assert built.exit_code == 1
    assert problem in built.stderr
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"1": "query A { nowhere }"}, "atrium: 1 (A):1:11: Cannot query field 'nowhere' on type 'Query'."),
        ({"1": "query A {"}, "atrium: 1:1:10: Syntax Error: Expected Name, found <EOF>."),
        ({"0" * 64: "query A { viewer { type } }"}, f"atrium: {'0' * 64}: is not the SHA-256 of its text"),
        ({"1": "query A { a: viewer { type } } query B { viewer { type } }"}, "operationName: must be given"),
        ({"1": "query A { " + "viewer { type } " * 21 + "}"}, "atrium: 1: root fields: 21 is over the limit of 20"),
        (
            {"1": "query A { viewer { home { feed(first: 5000) { edges { cursor } } } } }"},
            "atrium: 1 (A): cost: 5008 is over the limit of 3000",
        ),
        ("[]", "must be a JSON object"),
    ],
)
def test_documents_that_could_not_be_run_are_named(tmp_path: Path, content: object, problem: str) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(content if isinstance(content, str) else json.dumps(content))
    checked = run("check", manifest)
    assert checked.exit_code == 1
    assert problem in checked.stderr


def test_another_schema_may_be_checked_against(sources: Path, tmp_path: Path) -> None:
    schema = tmp_path / "schema.graphql"
    schema.write_text("type Query { accounts(ids: [ID!]!): [Account] } type Account { handle: String }")
    built = run("build", sources, "--output", tmp_path / "m.json", "--schema", schema)
    assert (built.exit_code, "Cannot query field 'displayName' on type 'Account'" in built.stderr) == (1, True)
    schema.write_text("type Query {")
    (tmp_path / "m.json").write_text(json.dumps({"1": NAMES}))
    assert "is no schema: Syntax Error" in run("check", tmp_path / "m.json", "--schema", schema).stderr
    assert run("check", tmp_path / "m.json", "--schema", tmp_path / "nowhere").exit_code == 1


def test_a_call_that_cannot_work_is_a_mistake_of_its_own(tmp_path: Path) -> None:
    assert run("build").exit_code == 2
    assert run("build", tmp_path, "--output", tmp_path / "m.json", "--format", "other").exit_code == 2
