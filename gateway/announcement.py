"""What the gateway tells whoever started it, before its log begins."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from gateway.graphiql import Persona
from gateway.settings import Settings

DEMO_HANDLES = ("ada", "bo", "corp", "sam")
DEMO_PASSWORD = "atrium-demo"  # noqa: S105
WIDTH = 120
"""A token must stand in one line, or nobody can copy it."""


def announce(settings: Settings, seconds: float, personas: Sequence[Persona]) -> None:
    """Prints how long the start took, the addresses, and the demo accounts if there are any."""
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    console.print(f"Atrium started in {seconds:.2f} s", style="bold")
    console.print(_addresses(settings))
    if personas:
        console.print(_accounts(personas))


def base_url(settings: Settings) -> str:
    """Where the gateway is reached on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _addresses(settings: Settings) -> Table:
    table = Table.grid(padding=(0, 2))
    url = base_url(settings)
    table.add_row("GraphQL", f"{url}/graphql" + ("" if settings.production else "  (GraphiQL in a browser)"))
    table.add_row("Health", f"{url}/livez  {url}/readyz")
    table.add_row("Metrics", f"{url}/metrics")
    return table


def _accounts(personas: Sequence[Persona]) -> Table:
    table = Table(title="Demo accounts", title_justify="left")
    for heading in ("handle", "type", "password", "token"):
        table.add_column(heading, no_wrap=True)
    for persona in personas:
        table.add_row(persona.handle, persona.account_type, DEMO_PASSWORD, persona.token)
    return table


@contextmanager
def demo_progress() -> Iterator["ShowProgress"]:
    """Shows on the terminal how far the demo data are; where there is no terminal, says once that they are made."""
    console = Console(stderr=True)
    columns = (TextColumn("Demo data: {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield ShowProgress(progress)


class ShowProgress:
    """One bar for each backend."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, int] = {}

    def __call__(self, backend: str, done: int, total: int) -> None:
        """Moves the bar of the backend."""
        if backend not in self._bars:
            self._bars[backend] = self._progress.add_task(backend, total=total)
        self._progress.update(self._bars[backend], completed=done)  # type: ignore[arg-type]
