"""The command line of tasks: `python -m services task --help`."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.runtime.commandline import launch, refuse

if TYPE_CHECKING:
    from services.runtime.settings import Settings

app = typer.Typer(help="Run scheduled work by hand, and see what became of it.", no_args_is_help=True)
Day = Annotated[
    str | None,
    typer.Option(
        "--for",
        metavar="DATE",
        help="For which time, in UTC: a day, 2026-03-01, or an hour, 2026-03-01T11. An hourly task runs for every hour "
        "of a day. The last that is over when left out.",
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Which task.")]
AnyName = Annotated[str | None, typer.Argument(metavar="[NAME]", help="Of which task; all when left out.")]


@app.command("list")
def list_tasks() -> None:
    """List the tasks: name, when each runs by itself, what it does."""
    from services.task.biz import TITLES

    crons = _settings().schedules.by_task()
    for name, title in TITLES.items():
        typer.echo(f"{name:<16}{crons.get(name, 'by hand only'):<14}{title.about}")


@app.command()
def run(name: Name, period: Day = None) -> None:
    """Run a task now, again if need be: the result is the same. Exits 1 when it fails."""
    from services.runtime.clock import utc_now
    from services.task.biz import TITLES, last_period, named_periods

    _known(name)
    settings, span = _settings(), TITLES[name].span
    try:
        periods = named_periods(span, period, utc_now()) if period else [last_period(span, utc_now())]
    except ValueError as error:
        refuse(f"--for {period}: {error}")
    from services.task.shell import run_process

    launch(lambda: run_process(name, periods, settings))


@app.command()
def history(
    name: AnyName = None, first: Annotated[int, typer.Option(min=1, max=1000, help="At most this many.")] = 20
) -> None:
    """Show the last runs, newest first."""
    if name is not None:
        _known(name)
    settings = _settings()
    from services.task.shell import history_process

    launch(lambda: history_process(name, first, settings))


def _known(name: str) -> None:
    from services.task.biz import TITLES

    if name not in TITLES:
        refuse(f"unknown task {name!r}: there are {', '.join(TITLES)}")


def _settings() -> "Settings":
    from services.runtime.settings import Settings, load

    return load(Settings)
