"""The command line of ids: `python -m services ids --help`."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.runtime.commandline import launch, refuse

if TYPE_CHECKING:
    from services.runtime.settings import Settings

# What a command needs is imported inside it: help and refusals come at once, without gRPC.

app = typer.Typer(help="Have ids made, and read what is in them.", no_args_is_help=True)


@app.command()
def new(count: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 1) -> None:
    """Have the identifier make ids, and print them one a line."""
    settings = _settings()
    from services.identifier.shell import new_process

    launch(lambda: new_process(count, settings))


@app.command()
def explain(ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Such as acc_383209671773290496.")]) -> None:
    """Tell when each id was made, and by which worker."""
    from services.identifier.shell import explain_ids, number_in

    numbers = {text: number_in(text) for text in ids}
    if wrong := next((text for text, number in numbers.items() if number is None), None):
        refuse(f"{wrong}: is no id")
    explain_ids({text: number for text, number in numbers.items() if number is not None})


def _settings() -> "Settings":
    from services.runtime.settings import Settings, load

    return load(Settings)
