"""Compares plans with graphql-core for a while: `python -m tests.gateway.execution.fuzz --seconds 60`."""

import argparse
import asyncio
import time
from typing import Any

from gateway.execution import CompiledExecutor
from tests.gateway.execution.differential import Case, cases, compare


def described(case: Case, found: list[str]) -> str:
    """A case that differs, for reading and running again."""
    head = f"seed {case.seed}, faults {case.faults}, waits {case.waits}, variables {case.variables}"
    return "\n".join([head, case.document, *found, ""])


async def run(seed: int, seconds: float, documents: int) -> tuple[int, list[str]]:
    """How many documents were compared, and what differed, at most five of them."""
    failures: list[str] = []
    count = 0
    until = time.monotonic() + seconds
    for case in cases(seed, documents):
        found: list[Any] = await compare(case, CompiledExecutor)
        count += 1
        if found:
            failures.append(described(case, found))
        if time.monotonic() > until or len(failures) == 5:
            break
    return count, failures


def main() -> None:
    """Exits 1 when anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--documents", type=int, default=10**9)
    given = parser.parse_args()
    count, failures = asyncio.run(run(given.seed, given.seconds, given.documents))
    print(f"{count} documents compared from seed {given.seed}, {len(failures)} differ")
    if failures:
        raise SystemExit("\n".join(failures))


if __name__ == "__main__":
    main()
