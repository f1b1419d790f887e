"""What a command about ids does from its start to its exit code."""

import re
from collections.abc import Mapping

from rich.table import Table

from schema.errcode import AtriumError
from services.runtime.allocation import fetch_over
from services.runtime.channels import open_channel
from services.runtime.commandline import say
from services.runtime.console import console
from services.runtime.embedded import as_found
from services.runtime.ids import Made, made
from services.runtime.settings import Settings
from services.runtime.telemetry import Metrics, configure_logging
from services.runtime.trust import Trust

_ID = re.compile(r"(?:[a-z]{1,8}_)?([1-9][0-9]{0,18})", re.ASCII)


async def new_process(count: int, settings: Settings) -> int:
    """Prints so many new ids; 1 when nobody makes any."""
    configure_logging("error")
    address, caller = as_found(settings).addresses.identifier, Trust(settings).caller("platform")
    try:
        async with open_channel("identifier", address, Metrics(), caller) as channel:
            ids = await fetch_over(channel)(count)
    except AtriumError as error:
        say(f"{error.code} {error.message}")
        return 1
    print("\n".join(map(str, ids)))
    return 0


def number_in(text: str) -> int | None:
    """The number of an id, with or without its prefix; None when it is none."""
    found = _ID.fullmatch(text)
    return int(found[1]) if found and int(found[1]) < 1 << 63 else None


def explain_ids(ids: Mapping[str, int]) -> None:
    """Prints what is in each id."""
    table = Table("id", "made at", "worker", "sequence")
    for text, number in ids.items():
        table.add_row(text, *_cells(made(number)))
    console().print(table)


def _cells(origin: Made | None) -> tuple[str, ...]:
    if origin is None:
        return ("by hand",)
    return f"{origin.at:%Y-%m-%d %H:%M:%S.%f}"[:-3], str(origin.worker), str(origin.sequence)
