"""The GraphQL schema keeps what clients rely on, and is printed as it is."""

import subprocess
import sys
from pathlib import Path

import pytest
from graphql import (
    GraphQLNamedType,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    find_dangerous_changes,
    is_introspection_type,
    is_specified_scalar_type,
)

from schema.graphql.__main__ import check, printed
from schema.graphql.schema import create_schema

ROOT = Path(__file__).parents[2]
CONTRACT = Path(__file__).parent / "contract.graphql"


def read(path: Path) -> GraphQLSchema:
    return build_schema(path.read_text())


@pytest.fixture(scope="module")
def real() -> GraphQLSchema:
    return build_schema(printed())


@pytest.fixture(scope="module")
def types() -> list[GraphQLNamedType]:
    """Every type of ours, as clients see it."""
    schema = build_schema(create_schema().as_str())
    return [
        each
        for each in schema.type_map.values()
        if not is_introspection_type(each) and not is_specified_scalar_type(each)
    ]


def test_nothing_that_clients_rely_on_is_missing_or_of_another_type(real: GraphQLSchema) -> None:
    assert find_breaking_changes(read(CONTRACT), real) == []


def test_defaults_are_the_ones_that_clients_rely_on(real: GraphQLSchema) -> None:
    found = {change.description for change in find_dangerous_changes(read(CONTRACT), real)}
    assert found == {
        *(
            f"Enum value {name}.OTHER was added."
            for name in ("AccountType", "AccountStatus", "BannerSlot", "ActivityKind")
        ),
        "An optional argument Subscription.feedActivityAdded(lastSeenId:) was added.",
    }


def test_nothing_of_the_last_release_is_broken(real: GraphQLSchema) -> None:
    assert find_breaking_changes(read(ROOT / "schema/released.graphql"), real) == []


def test_a_renamed_field_would_be_noticed() -> None:
    before = read(ROOT / "schema/released.graphql")
    after = build_schema(printed().replace("  badge: String\n", "  mark: String\n"))
    assert [change.description for change in find_breaking_changes(before, after)] == [
        "Field Feature.badge was removed."
    ]


def test_the_printed_schema_is_fresh() -> None:
    assert (ROOT / "schema/schema.graphql").read_text() == printed()


def test_checking_the_printed_schema_says_nothing_while_it_is_fresh() -> None:
    command = [sys.executable, "-m", "schema.graphql", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_stale_and_a_missing_schema_are_named(tmp_path: Path) -> None:
    (tmp_path / "stale.graphql").write_text(printed().replace("Something", "Anything"))
    for name in ("stale.graphql", "missing.graphql"):
        with pytest.raises(SystemExit, match=f"stale, run `make generate`: {name}"):
            check(tmp_path / name)


def test_every_type_field_argument_and_value_has_a_description(types: list[GraphQLNamedType]) -> None:
    bare = [each.name for each in types if not each.description]
    for each in types:
        for name, part in {**getattr(each, "fields", {}), **getattr(each, "values", {})}.items():
            arguments = getattr(part, "args", {})
            bare += [f"{each.name}.{name}"] if not part.description else []
            bare += [f"{each.name}.{name}({key}:)" for key, argument in arguments.items() if not argument.description]
    assert bare == []
