import json

import pytest
from graphql import GraphQLSchema, build_schema, get_variable_values, parse, validate
from graphql.language import OperationDefinitionNode

from gateway.graphiql import EXAMPLES, HERE, Example, examples
from schema.graphql.schema import create_schema


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema(create_schema().as_str())


@pytest.mark.parametrize("example", examples().values(), ids=EXAMPLES)
def test_an_example_fits_the_schema_with_its_variables(schema: GraphQLSchema, example: Example) -> None:
    document = parse(example.query)
    assert validate(schema, document) == []
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    given = json.loads(example.variables or "{}")
    taken = get_variable_values(schema, operation.variable_definitions or (), given)
    assert not isinstance(taken, list), taken
    assert set(given) == {each.variable.name.value for each in operation.variable_definitions or ()}


def test_every_example_that_lies_here_has_a_tab() -> None:
    assert sorted(path.stem for path in (HERE / "examples").glob("*.graphql")) == sorted(EXAMPLES)
    assert {path.stem for path in (HERE / "examples").glob("*.json")} < set(EXAMPLES)
