"""What the gateway tells whoever started it, before its log begins."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from gateway.graphiql import Persona
from gateway.settings import Settings

if TYPE_CHECKING:
    from services.runtime.demo import Progress

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
def demo_progress() -> Iterator["Progress"]:
    """Draws on the terminal how far the demo data are; where there is no terminal, nothing."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _name, _done, _total: None
        return
    # Imported here because it brings SQLAlchemy, which a gateway without stores does not need.
    from services.runtime.process import demo_bar

    with demo_bar(console) as show:
        yield show
