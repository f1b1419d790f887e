"""Tells where the gateway spends its processor time under the home query: `python -m bench.profile`.

It starts a house of its own, in which the gateway runs under `bench.sampling`, and keeps no answers.
"""

import argparse
import json
import os
import signal
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from bench.house import build
from bench.measure import Step, make_load
from bench.processes import python, share_cores
from bench.rows import GATEWAY, ROWS

STEP = Step(GATEWAY, "home", 32)
VIEWERS = 64


def sampled(seconds: float) -> dict[str, int]:
    """Samples by place over so many seconds of load."""
    with TemporaryDirectory(prefix="atrium-profile-") as folder:
        file = Path(folder, "samples.json")
        row = replace(ROWS[GATEWAY], command=lambda _: python("bench.sampling", str(file), "gateway", "run"))
        with ExitStack() as closing:
            house = build(Path(folder), share_cores(), closing, {GATEWAY: row}, VIEWERS, lambda _: None)
            gateway = house.subjects[GATEWAY]
            make_load(gateway, house.tokens, STEP, seconds / 4)
            os.kill(gateway.pid, signal.SIGUSR1)
            make_load(gateway, house.tokens, STEP, seconds)
        found: dict[str, int] = json.loads(file.read_text())
    return found


def shares(samples: dict[str, int]) -> dict[str, float]:
    """Per cent of all samples by place, most first; places with less than one are summed up."""
    total = sum(samples.values())
    ordered = sorted(samples.items(), key=lambda item: -item[1])
    told = {place: 100 * count / total for place, count in ordered if count * 100 >= total}
    return told | {"others": round(100 - sum(told.values()), 3)}


def main() -> None:
    """Prints a table, or JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="an eighth of the time under load (1)")
    parser.add_argument("--rounds", type=int, default=1, help="how many such times (1)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    found = shares(sampled(8 * given.seconds * given.rounds))
    if given.json:
        print(json.dumps({GATEWAY: found}))
        return
    table = Table("place", "% of CPU")
    for place, share in found.items():
        table.add_row(place, f"{share:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
