"""The command line of the backends: `python -m services --help`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.admin.commands import app as admin
from services.identifier.commands import app as ids
from services.runtime.commandline import launch, main, refuse
from services.task.commands import app as task

if TYPE_CHECKING:
    from services.runtime.backend import Backend
    from services.runtime.settings import Settings

# What a command needs is imported inside it: help and refusals come at once, without gRPC and SQLAlchemy.

app = typer.Typer(
    name="services",
    help="Run the backends of Atrium as processes of their own. Settings are environment variables: ATRIUM_DATABASE, "
    "ATRIUM_CACHE, ATRIUM_ADDRESSES__ACCOUNT and so on.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
letters = typer.Typer(help="Deal with events that a service could not apply and set aside.", no_args_is_help=True)
app.add_typer(letters, name="letters")
app.add_typer(task, name="task")
app.add_typer(admin, name="admin")
app.add_typer(ids, name="ids")
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Which backends; none means all.")]


@app.command()
def serve(
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME[=ADDRESS]]...",
            help="Which backends, each at its address: unix:/path or host:port; without one, where ATRIUM_ADDRESSES__… "
            "says. None means all. Backends with the same address share a port.",
        ),
    ] = None,
) -> None:
    """Serve backends by gRPC until SIGINT or SIGTERM; calls in flight may end first."""
    settings = _settings()
    chosen = _places(places or [], settings)
    complete = len(chosen) == len(_chosen([]))
    from services.runtime.process import serve_process

    launch(lambda: serve_process(chosen, settings, complete=complete), interrupted=0)


@app.command()
def migrate(names: Names = None) -> None:
    """Bring the stores of backends up to date, creating what is missing."""
    settings = _settings()
    chosen = _chosen(names or [])
    from services.runtime.process import migrate_process

    launch(lambda: migrate_process(chosen, settings))


@app.command()
def demo(
    accounts: Annotated[
        int, typer.Option(min=60, max=1_000_000, help="How many accounts; the rest grows with it.")
    ] = 240,
) -> None:
    """Fill empty stores with demo data; a store that has rows is left as it is."""
    settings = _settings()
    chosen = _chosen([])
    from services.runtime.process import demo_process

    launch(lambda: demo_process(chosen, settings, accounts))


@app.command()
def keys(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Where; ATRIUM_KEYS when left out, or else `keys` below the data folder."),
    ] = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Forget the public keys of before: what they signed is refused at once.")
    ] = False,
) -> None:
    """Make the keys that processes prove themselves with. New ones take the place of those of before."""
    settings = _settings()
    from services.runtime.trust import NAMES, make_keys, place_of_keys

    place = folder or place_of_keys(settings)
    try:
        make_keys(place, NAMES, forget=forget)
    except (OSError, ValueError) as error:
        refuse(f"cannot make keys in {place}: {error}")
    typer.echo(f"keys of {', '.join(NAMES)} in {place}")


@app.command("list")
def list_backends() -> None:
    """List the backends: name, gRPC service, address."""
    settings = _settings()
    for backend in _chosen([]):
        typer.echo(f"{backend.name:<12}{backend.service:<36}{settings.addresses.of(backend.name)}")


Service = Annotated[str, typer.Argument(metavar="NAME", help="Which service has the letters.")]
Numbers = Annotated[list[int], typer.Argument(metavar="LETTER...", help="Which letters, by their numbers.")]
AnyNumbers = Annotated[list[int] | None, typer.Argument(metavar="[LETTER]...", help="None means all that are parked.")]


@letters.command("list")
def list_letters(names: Names = None) -> None:
    """List the letters, with what each waits for and why."""
    from services.runtime.letters_process import list_process

    chosen, settings = _chosen(names or []), _settings()
    launch(lambda: list_process(chosen, settings))


@letters.command()
def show(name: Service, number: Annotated[int, typer.Argument(metavar="LETTER", help="Its number.")]) -> None:
    """Show one letter and its event; bytes that are none are shown as such."""
    from services.runtime.letters_process import show_process

    [backend], settings = _chosen([name]), _settings()
    launch(lambda: show_process(backend, number, settings))


@letters.command()
def replay(name: Service, numbers: AnyNumbers = None) -> None:
    """Apply letters now, each with those it held back; exit 1 when one fails again."""
    from services.runtime.letters_process import replay_process

    [backend], settings = _chosen([name]), _settings()
    launch(lambda: replay_process(backend, numbers or [], settings))


@letters.command()
def drop(name: Service, numbers: Numbers) -> None:
    """Give letters up: their events never take effect, those they held back do."""
    from services.runtime.letters_process import drop_process

    [backend], settings = _chosen([name]), _settings()
    launch(lambda: drop_process(backend, numbers, settings))


def _settings() -> "Settings":
    from services.runtime.settings import Settings, load

    return load(Settings)


def _chosen(names: list[str]) -> list["Backend"]:
    """The backends with these names; all for none."""
    from services.backends import BACKENDS

    for name in names:
        if name not in BACKENDS:
            refuse(f"unknown backend {name!r}: there are {', '.join(BACKENDS)}")
    return [BACKENDS[name] for name in dict.fromkeys(names)] or list(BACKENDS.values())


def _places(words: list[str], settings: "Settings") -> dict["Backend", str]:
    """Backend by address for each `NAME` or `NAME=ADDRESS`; all for none."""
    from services.runtime.settings import check_address

    given = dict(word.partition("=")[::2] for word in words)
    for name, address in given.items():
        try:
            check_address(address or "localhost:1")
        except ValueError as error:
            refuse(f"{name}={address}: {error}")
    places = {backend: given.get(backend.name) or settings.addresses.of(backend.name) for backend in _chosen([*given])}
    for backend, place in places.items():
        if "," in place:
            refuse(f"{backend.name}: say which of its addresses this server has, as in {backend.name}=unix:/path")
    return places


if __name__ == "__main__":
    main(app)
