"""`python -m gateway documents`: makes manifests of a client's sources, and checks manifests."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from services.runtime.commandline import say

if TYPE_CHECKING:
    from graphql import GraphQLSchema

app = typer.Typer(
    name="documents", help="Make and check manifests of trusted documents.", pretty_exceptions_enable=False
)


class Format(StrEnum):
    """How a manifest is written."""

    APOLLO = "apollo"
    MAP = "map"


Schema = Annotated[
    Path | None, typer.Option("--schema", help="A schema in GraphQL's own language; this gateway's unless given.")
]


@app.command()
def build(
    sources: Annotated[list[Path], typer.Argument(help="Files and folders with .graphql or .gql files.")],
    output: Annotated[Path, typer.Option("--output", help="Where to write the manifest.")],
    form: Annotated[
        Format, typer.Option("--format", help="apollo, or map as Relay and GraphQL Code Generator write it.")
    ] = Format.APOLLO,
    schema: Schema = None,
) -> None:
    """Write a manifest of all operations in the sources, each with its fragments; nothing when one could not be run."""
    from gateway.documents import manifest
    from gateway.documents.sources import SourceError, documents_in

    try:
        documents = documents_in(sources)
    except SourceError as error:
        _fail(error.problems)
    texts = {manifest.id_of(text): text for text in documents.values()}
    _check(texts, schema)
    written = manifest.apollo(documents) if form is Format.APOLLO else manifest.plain(documents)
    output.write_bytes(written)
    typer.echo(f"{output}: {len(texts)} documents")


@app.command()
def check(
    manifests: Annotated[list[Path], typer.Argument(help="Manifests, and folders of them.")],
    schema: Schema = None,
) -> None:
    """Check that every document could be run: valid by the schema, within the limits, under its own hash."""
    from gateway.documents import manifest

    texts: dict[str, str] = {}
    for path in manifests:
        try:
            texts |= manifest.load(path)
        except manifest.ManifestError as error:
            _fail([str(error)])
    _check(texts, schema)
    typer.echo(f"{len(texts)} documents: all can be run")


def _check(texts: dict[str, str], schema: Path | None) -> None:
    from gateway.documents.checking import problems_of
    from gateway.settings import Settings
    from services.runtime.settings import load

    if problems := [*problems_of(texts, _schema(schema), load(Settings).limits)]:
        _fail(problems)


def _schema(path: Path | None) -> "GraphQLSchema":
    from graphql import GraphQLError, build_schema

    from schema.graphql.schema import create_schema

    if path is None:
        return create_schema()._schema
    try:
        return build_schema(path.read_text("utf-8"))
    except OSError as error:
        _fail([f"{path}: cannot be read: {(error.strerror or str(error)).lower()}"])
    except (GraphQLError, TypeError, UnicodeDecodeError) as error:
        _fail([f"{path}: is no schema: {error}"])


def _fail(problems: Sequence[str]) -> NoReturn:
    for problem in problems:
        say(problem)
    raise typer.Exit(1)
