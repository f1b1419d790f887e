"""What the command lines of all processes share: a wrong word or a failed start costs one line, never a traceback."""

import gc
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import typer
from typer.exceptions import TyperException

USAGE = 2
"""Exit code of a command that was called in a way that cannot work."""
INTERRUPTED = 130
"""Exit code of work that a signal ended before it was done, as shells count it."""


def main(app: typer.Typer) -> NoReturn:
    """Runs the command that the arguments name, help without any; exits with its code."""
    # What is being imported is no garbage, and to look for some again and again takes a fifth of a start.
    gc.disable()
    # gRPC writes to stderr by itself, even what the caller handles.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        code = app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
    except TyperException as error:
        # There is nothing to say where the help was shown for want of a command.
        if problem := error.format_message():
            say(problem)
        code = USAGE
    except typer.Abort:  # Ctrl-C, or nobody there to answer a question.
        code = INTERRUPTED
    sys.exit(code)


def say(problem: str) -> None:
    """One line on stderr."""
    typer.echo(f"atrium: {problem}", err=True)


def refuse(problem: str) -> NoReturn:
    """Ends the command with one line."""
    say(problem)
    raise typer.Exit(USAGE)


def launch(process: Callable[[], Coroutine[Any, Any, int]], interrupted: int = INTERRUPTED) -> NoReturn:
    """Runs a process to its end; a start that fails costs one line and exit code 1.

    `interrupted` is the exit code when a signal ends it while it does not serve: 0 for what only serves.
    """
    from services.runtime import lifecycle

    gc.freeze()
    gc.enable()
    try:
        code = lifecycle.launch(process, interrupted)
    except lifecycle.StartError as error:
        say(str(error))
        code = 1
    # The interpreter would search all that was imported for garbage first: half a second after everything is closed.
    gc.freeze()
    raise typer.Exit(code)
