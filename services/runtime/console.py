"""Where commands print what was asked for: on a terminal, or into a file or pipe, where lines stay whole."""

import sys

from rich.console import Console

WIDE = 200
"""How wide tables are where nobody watches."""


def console() -> Console:
    """A console on stdout."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
