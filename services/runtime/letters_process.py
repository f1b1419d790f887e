"""The commands for letters, the events that services had to set aside, each from its start to its exit code."""

from collections.abc import Iterable, Sequence

from google.protobuf.json_format import MessageToJson
from rich.table import Table

from services.runtime.backend import Backend, Resources
from services.runtime.console import console
from services.runtime.consumer import Unreadable, read
from services.runtime.letters import Letter, Letters, NotFirst, State
from services.runtime.lifecycle import StartError
from services.runtime.process import explained
from services.runtime.serving import open_all
from services.runtime.settings import Settings
from services.runtime.telemetry import configure_logging

UNKNOWN = "?"


async def list_process(backends: Iterable[Backend], settings: Settings) -> int:
    """Shows the letters of services, the oldest first."""
    table = Table("service", "letter", "state", "consumer", "account", "kind", "attempts", "since", "reason")
    configure_logging("warning")
    async with open_all([backend for backend in backends if backend.inbox], settings) as resources:
        for backend, lent in resources.items():
            with explained(backend):
                for letter in await _letters(backend, lent).all():
                    table.add_row(backend.name, *_cells(letter))
    console().print(table if table.row_count else "no letters")
    return 0


async def show_process(backend: Backend, number: int, settings: Settings) -> int:
    """Shows everything about one letter."""
    async with open_all([backend], settings) as resources:
        with explained(backend):
            letter = await _letter(_letters(backend, resources[backend]), number)
    console().print(_details(letter))
    console().print(_content(letter), markup=False)
    return 0


async def replay_process(backend: Backend, numbers: Sequence[int], settings: Settings) -> int:
    """Tries letters now, all that are parked for no number; 1 when one of them failed again."""
    configure_logging("critical")
    out, done = console(), dict[int, str | None]()
    async with open_all([backend], settings) as resources:
        with explained(backend):
            letters = _letters(backend, resources[backend])
            for letter in await _chosen(letters, numbers):
                outcomes = await _replayed(letters, letter)
                for number, problem in outcomes.items():
                    out.print(f"letter {number}: {problem or 'applied'}", markup=False, soft_wrap=True)
                done |= outcomes
    if not done:
        out.print("no letter is parked")
    return int(any(done.values()))


async def drop_process(backend: Backend, numbers: Sequence[int], settings: Settings) -> int:
    """Gives letters up for good."""
    async with open_all([backend], settings) as resources:
        with explained(backend):
            letters = _letters(backend, resources[backend])
            for letter in await _chosen(letters, numbers):
                await letters.drop(letter)
                console().print(f"letter {letter.id}: dropped")
    return 0


def _letters(backend: Backend, lent: Resources) -> Letters:
    if backend.inbox is None:
        raise StartError(f"the {backend.name} backend listens to no events")
    return Letters(backend.consumers(lent), backend.inbox, lent.database, lent.clock)


async def _chosen(letters: Letters, numbers: Sequence[int]) -> list[Letter]:
    if numbers:
        return [await _letter(letters, number) for number in dict.fromkeys(numbers)]
    return [letter for letter in await letters.all() if letter.state is State.PARKED]


async def _letter(letters: Letters, number: int) -> Letter:
    letter = await letters.get(number)
    if letter is None:
        raise StartError(f"there is no letter {number}")
    return letter


async def _replayed(letters: Letters, letter: Letter) -> dict[int, str | None]:
    try:
        return await letters.replay(letter)
    except NotFirst as problem:
        return {letter.id: str(problem)}


def _cells(letter: Letter) -> list[str]:
    since = letter.received_at.isoformat(sep=" ", timespec="seconds")
    who = (letter.consumer, str(letter.message.key))
    return [str(letter.id), letter.state.value, *who, _kind(letter), str(letter.attempts), since, letter.reason]


def _kind(letter: Letter) -> str:
    try:
        return str(read(letter.message).WhichOneof("what"))
    except Unreadable:
        return UNKNOWN


def _details(letter: Letter) -> Table:
    table = Table(show_header=False)
    message = letter.message
    for name, value in {
        "letter": letter.id,
        "state": letter.state.value,
        "consumer": letter.consumer,
        "event": message.event_id,
        "account": message.key,
        "reason": letter.reason,
        "attempts": letter.attempts,
        "since": letter.received_at.isoformat(),
        "next attempt": letter.next_at.isoformat() if letter.next_at else "none",
        "trace": message.traceparent or "none",
        "lane": message.lane or "none",
    }.items():
        table.add_row(name, str(value))
    return table


def _content(letter: Letter) -> str:
    try:
        return MessageToJson(read(letter.message))
    except Unreadable:
        return letter.message.value.hex(" ")
