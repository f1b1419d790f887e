"""Looks where a process spends its processor time: `python -m bench.sampling FILE MODULE ARGUMENT…` runs the module.

Every two milliseconds of processor time, of all threads together, it notes which function Python is in; what C code
takes counts for its caller. From SIGUSR1 on it counts; when the module ends, the file gets the number of samples by
place as JSON.
"""

import json
import runpy
import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

SECONDS = 0.002


class Samples:
    """Samples by place."""

    def __init__(self) -> None:
        self.by_place: Counter[str] = Counter()

    def begin(self, _number: int, _frame: FrameType | None) -> None:
        """Counts from now on."""
        signal.signal(signal.SIGPROF, self.note)
        signal.setitimer(signal.ITIMER_PROF, SECONDS, SECONDS)

    def note(self, _number: int, frame: FrameType | None) -> None:
        """One sample."""
        if frame is not None:
            self.by_place[place_of(frame.f_code.co_filename)] += 1


def place_of(file: str) -> str:
    """The room of ours, the package of somebody else's, or the module of Python that a file is in."""
    if file.startswith("<"):
        return "plans"
    path = Path(file)
    if "site-packages" in path.parts:
        return path.parts[path.parts.index("site-packages") + 1].removesuffix(".py")
    if path.is_relative_to(Path.cwd()):
        room = path.relative_to(Path.cwd()).parts[:2]
        return room[0] if room[-1].endswith(".py") else "/".join(room)
    return "python"


def main() -> None:
    """Runs the module to its end."""
    file, module, *arguments = sys.argv[1:]
    samples = Samples()
    signal.signal(signal.SIGUSR1, samples.begin)
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        Path(file).write_text(json.dumps(samples.by_place))


if __name__ == "__main__":
    main()
