"""The command line of the gateway: `python -m gateway`. Each command imports what it needs when it runs."""

import socket
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from gateway import documents_commands
from services.runtime.commandline import launch, main, refuse, say

if TYPE_CHECKING:
    from gateway.settings import Settings

STARTED = time.perf_counter()
app = typer.Typer(
    name="gateway",
    help="The one GraphQL door of the account centre. Settings are environment variables: ATRIUM_PORT, "
    "ATRIUM_ADDRESSES__ACCOUNT and so on.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


app.add_typer(documents_commands.app)


@app.command()
def run(
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Run every backend in this process too, with demo data.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, max=256, help="How many processes serve the port.")
    ] = None,
) -> None:
    """Serve until SIGINT or SIGTERM; requests in flight may end first."""
    settings = _settings()
    settings = settings.model_copy(
        update={"embedded": embedded or settings.embedded, "workers": workers or settings.workers}
    )
    if settings.workers == 1:
        from gateway.process import serve

        launch(lambda: serve(settings, STARTED), interrupted=0)
    if settings.embedded:
        refuse("--embedded is one process: for several workers run backends by themselves, python -m services serve")
    from gateway.workers import supervise

    launch(lambda: supervise(settings, STARTED), interrupted=0)


@app.command(hidden=True)
def worker(number: int, descriptor: int) -> None:
    """Serve as one of several processes; `run --workers` starts it."""
    settings = _settings()
    from gateway.place import Worker
    from gateway.process import serve

    place = Worker(number, socket.socket(fileno=descriptor), socket.socket(fileno=sys.stdin.fileno()))
    launch(lambda: serve(settings, STARTED, place), interrupted=0)


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
    settings = _settings()
    from gateway.sign_in import token_of
    from schema.errcode import AtriumError
    from services.runtime.embedded import as_found
    from services.runtime.lifecycle import StartError

    password = sys.stdin.readline().rstrip("\n") if password_stdin else typer.prompt("Password", hide_input=True)
    try:
        typer.echo(token_of(as_found(settings), handle, password))
    except AtriumError as error:
        say(error.message)
        raise typer.Exit(1) from error
    except StartError as error:
        say(str(error))
        raise typer.Exit(1) from error


@app.command()
def settings(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a table in Markdown.")] = False,
) -> None:
    """Print every setting, its default and what it is for."""
    from gateway import settings_table
    from gateway.settings import Settings

    if markdown:
        typer.echo(settings_table.markdown(Settings))
        return
    for name, default, description in settings_table.rows(Settings):
        typer.echo(f"{name}={default}\n    {description}")


@app.command()
def doctor() -> None:
    """Check the settings, every backend and the cache; exit 1 when something is down."""
    settings = _settings()
    from gateway.doctor import examine
    from services.runtime.embedded import as_found
    from services.runtime.lifecycle import StartError

    try:
        fine = examine(as_found(settings))
    except StartError as error:
        say(str(error))
        fine = False
    raise typer.Exit(0 if fine else 1)


def _settings() -> "Settings":
    from gateway.settings import Settings
    from services.runtime.settings import load

    return load(Settings)


if __name__ == "__main__":
    main(app)
