"""The command line of the gateway: `python -m gateway`. Each command imports what it needs when it runs."""

import sys
import time
from typing import Annotated

import typer

STARTED = time.perf_counter()
app = typer.Typer(no_args_is_help=True, add_completion=False, help="The one GraphQL door of the account centre.")


@app.command()
def run(
    embedded: Annotated[
        bool | None, typer.Option("--embedded", help="Run every backend in this process too, with demo data.")
    ] = None,
) -> None:
    """Serve until Ctrl-C."""
    from gateway.process import serve
    from gateway.settings import Settings
    from services.runtime.lifecycle import StartError, launch
    from services.runtime.settings import load

    settings = load(Settings)
    if embedded:
        settings = settings.model_copy(update={"embedded": True})
    try:
        code = launch(lambda: serve(settings, STARTED))
    except StartError as error:
        _fail(str(error))
    raise typer.Exit(code)


@app.command()
def schema() -> None:
    """Print the GraphQL schema."""
    from schema.graphql.schema import create_schema

    typer.echo(create_schema().as_str())


@app.command()
def token(
    handle: Annotated[str, typer.Argument(help="Whose account.")],
    password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin.")] = False,
) -> None:
    """Sign in and print the session token."""
    from gateway.settings import Settings
    from gateway.sign_in import token_of
    from schema.errcode import AtriumError
    from services.runtime.settings import load

    settings = load(Settings)
    password = sys.stdin.readline().rstrip("\n") if password_stdin else typer.prompt("Password", hide_input=True)
    try:
        typer.echo(token_of(settings, handle, password))
    except AtriumError as error:
        _fail(error.message)


@app.command()
def doctor() -> None:
    """Check the settings, every backend and the cache; exit 1 when something is down."""
    from gateway.doctor import examine
    from gateway.settings import Settings
    from services.runtime.settings import load

    raise typer.Exit(0 if examine(load(Settings)) else 1)


def _fail(message: str) -> None:
    typer.echo(f"atrium: {message}", err=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="python -m gateway")
