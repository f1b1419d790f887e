"""Writing activities to a file: whole, or not at all."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from schema.generated.admin.v1 import admin_pb2 as pb
from services.admin.commands.client import OK, Client, Work
from services.admin.commands.records import Wanted
from services.admin.commands.words import Wrong


def export(file: str, which: Wanted) -> Work:
    """Writes what matches to the file, under a bar that counts."""

    async def work(client: Client) -> int:
        request = pb.ExportActivitiesRequest(actor=client.viewer, filter=await which.filter(client))
        with _target(file) as target, _bar(client) as progress:
            rows, shown = 0, progress.add_task(file, total=None, rows=0)
            async for piece in client.desk.ExportActivities(request):
                target.write(piece.csv)
                rows += piece.rows
                progress.update(shown, rows=rows)
            progress.update(shown, total=1, completed=1)
        client.aside.print(f"{rows} activities in {file}", soft_wrap=True)
        return OK

    return work


def _bar(client: Client) -> Progress:
    """Nobody knows how many there will be: it shows that it goes on, and how many there are."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[rows]} activities"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=client.aside)


@contextmanager
def _target(file: str) -> Iterator[IO[bytes]]:
    """Where to write. What lies at the place of the file stays there until the new one is whole."""
    if file == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    place = Path(file)
    try:
        with tempfile.NamedTemporaryFile(dir=place.parent, prefix=f".{place.name}.", delete=False) as made:
            part = Path(made.name)
            try:
                yield made.file
                made.flush()
                os.fsync(made.fileno())
                part.replace(place)
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise Wrong(f"cannot write {file}: {(error.strerror or str(error)).lower()}") from error
