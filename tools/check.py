"""Runs every check of the house: `python -m tools.check`, or only those named, as in `python -m tools.check mypy`.

As many run at once as there are processors. A check that passes costs a line; one that fails shows its output and
makes the exit code 1.
"""

import asyncio
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
BASELINE = Path("schema/released.binpb")
# The longest first, so that it does not run alone at the end.
CHECKS = {
    "mypy": "mypy",
    "imports": "lint-imports --no-logo",
    "deptry": "deptry --no-ansi .",
    "proto-fresh": "python -m schema.generate --check",
    "graphql-fresh": "python -m schema.graphql --check",
    "buf-lint": "buf lint",
    "buf-format": "buf format --diff --exit-code",
    "buf-breaking": f"buf breaking --against {BASELINE}",
    "sizes": "python -m tools.sizes",
    "ruff": "ruff check",
    "ruff-format": "ruff format --check",
    "dockerfile": "hadolint Dockerfile",
}
NEEDS = {"buf-breaking": BASELINE}
"""Files without which a check has nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one check ended."""

    name: str
    passed: bool
    seconds: float
    output: str


async def run(name: str, turn: asyncio.Semaphore) -> Outcome:
    """Runs one check when its turn comes; tells how it went."""
    program, *arguments = CHECKS[name].split()
    async with turn:
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            BIN / program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await process.communicate()
    outcome = Outcome(name, process.returncode == 0, time.perf_counter() - started, output.decode())
    show(outcome)
    return outcome


def show(outcome: Outcome) -> None:
    """Prints a line for the outcome and, when it failed, what the check said."""
    print(f"{'ok  ' if outcome.passed else 'FAIL'} {outcome.name:<14}{outcome.seconds:5.1f} s", flush=True)
    if not outcome.passed:
        print(outcome.output.rstrip() or "no output", end="\n\n", flush=True)


async def run_all(names: list[str]) -> list[Outcome]:
    """The outcomes of these checks, in order."""
    turn = asyncio.Semaphore(os.cpu_count() or 1)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run(name, turn)) for name in names]
    return [task.result() for task in tasks]


def chosen(arguments: list[str]) -> list[str]:
    """The checks that the command line names, or all that have what they need; exits 2 on an unknown one."""
    if unknown := [name for name in arguments if name not in CHECKS]:
        print(f"no check is called {', '.join(unknown)}; there are: {', '.join(CHECKS)}", file=sys.stderr)
        raise SystemExit(2)
    return arguments or [name for name in CHECKS if NEEDS.get(name, BIN).exists()]


def main() -> None:
    """Exits 1 when a check fails, and says which."""
    outcomes = asyncio.run(run_all(chosen(sys.argv[1:])))
    if failed := [outcome.name for outcome in outcomes if not outcome.passed]:
        raise SystemExit(f"{len(failed)} of {len(outcomes)} checks failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
