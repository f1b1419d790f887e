"""What the schema declares of cost and sizes."""

from collections.abc import Iterator

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_introspection_type,
    is_leaf_type,
)

from schema.graphql.cost import Cost, ListSize, declared
from schema.graphql.schema import create_schema

SCHEMA = create_schema()._schema


def fields() -> Iterator[tuple[GraphQLNamedType, str, GraphQLField]]:
    for each in SCHEMA.type_map.values():
        if isinstance(each, GraphQLObjectType | GraphQLInterfaceType) and not is_introspection_type(each):
            yield from ((each, name, field) for name, field in each.fields.items())


def test_every_list_of_objects_says_how_long_it_may_be() -> None:
    told = {
        (get_named_type(field.type).name, name)
        for _, _, field in fields()
        for name in getattr(declared(field, ListSize), "sized_fields", None) or ()
    }
    silent = [
        f"{parent.name}.{name}"
        for parent, name, field in fields()
        if isinstance(get_nullable_type(field.type), GraphQLList)
        and not is_leaf_type(get_named_type(field.type))
        and declared(field, ListSize) is None
        and (parent.name, name) not in told
    ]
    assert silent == []


def test_every_argument_and_field_named_by_a_size_is_there() -> None:
    for parent, name, field in fields():
        size = declared(field, ListSize)
        inner = getattr(get_named_type(field.type), "fields", {})
        missing = {*((size and size.slicing_arguments) or ())} - field.args.keys()
        missing |= {*((size and size.sized_fields) or ())} - inner.keys()
        assert not missing, f"{parent.name}.{name}: {missing}"


def test_every_page_is_as_long_as_its_first_says() -> None:
    paged = {
        f"{parent.name}.{name}": declared(field, ListSize) for parent, name, field in fields() if "first" in field.args
    }
    assert paged
    assert [name for name, size in paged.items() if size is None or size.slicing_arguments != ["first"]] == []


def test_every_mutation_costs_something() -> None:
    mutation = SCHEMA.mutation_type
    assert mutation is not None
    assert [name for name, field in mutation.fields.items() if declared(field, Cost) is None] == []


def test_weights_are_whole_numbers() -> None:
    weights = [cost.weight for _, _, field in fields() if (cost := declared(field, Cost))]
    assert weights
    assert all(weight.isdecimal() for weight in weights)
