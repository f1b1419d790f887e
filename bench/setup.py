"""What was measured where, in words."""

import os
import platform

from bench.measure import Plan
from bench.processes import Cores


def said(cache: str, cores: Cores, plan: Plan, viewers: int, left_out: str) -> dict[str, str]:
    """Sentences by what they are about."""
    found = {"machine": f"{platform.system()} on {os.cpu_count()} cores, Python {platform.python_version()}."}
    if not plan.subjects:
        return found
    rounds = "1 round" if plan.rounds == 1 else f"{plan.rounds} rounds"
    found |= {"left_out": left_out} if left_out else {}
    return found | {
        "house": f"Backends on SQLite and {cache}; {cores}.",
        "rounds": f"{rounds} of {plan.seconds:g} s for each; {viewers} viewers in turn.",
    }
