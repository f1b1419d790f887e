"""Whether documents could be run: by the schema, within the limits, under the ids that clients compute."""

import re
from collections.abc import Iterator, Mapping

from graphql import GraphQLSchema

from gateway.documents.document import NotRunnable, read
from gateway.documents.manifest import id_of
from gateway.documents.sources import place_of
from gateway.guard.limits import Limits, check
from schema import errcode

SHA256 = re.compile(r"[0-9a-f]{64}")


def problems_of(texts: Mapping[str, str], schema: GraphQLSchema, limits: Limits) -> Iterator[str]:
    """A line for each thing that is wrong with one of the documents, which are given by id."""
    for document_id, text in texts.items():
        if SHA256.fullmatch(document_id) and document_id != id_of(text):
            yield f"{document_id}: is not the SHA-256 of its text"
        for problem in _problems(text, schema, limits):
            yield f"{document_id}{problem}"


def _problems(text: str, schema: GraphQLSchema, limits: Limits) -> Iterator[str]:
    document = read(text, schema, limits)
    name = next((f" ({one.name})" for one in document.operations or () if one.name), "")
    try:
        check("cost", document.operation(None).cost({}), limits.cost)
    except NotRunnable as refused:
        for error in refused.errors:
            yield f"{name}{place_of(error)}: {error.message}"
    except errcode.AtriumError as error:
        yield f"{name}: {error.message}"
