"""Asks a gateway of its own for what nobody would, for a while: `python -m tests.gateway.fuzz --seconds 60`."""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.gateway.fuzz import over_http, over_streams
from tests.gateway.fuzz.gateway import Gateway, open_gateway, tried

TRIES = 100
"""Of each property in a round."""


def rounds(gateway: Gateway, seconds: float) -> int:
    """How many rounds there were; raises for the first answer that is none, with what was asked."""
    until, done = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        for ask in (*over_http.PROPERTIES, *over_streams.PROPERTIES):
            ask(gateway, tried(TRIES, always_the_same=False))
            if failures := gateway.failures():
                raise SystemExit(f"{ask.__name__}: the gateway complains of {failures}")
        done += 1
    return done


def main() -> None:
    """Exits 1 when anything is found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="atrium-fuzz-") as folder, open_gateway(Path(folder)) as gateway:
        print(f"{rounds(gateway, given.seconds)} rounds of {TRIES} tries of each property, nothing found")


if __name__ == "__main__":
    main()
