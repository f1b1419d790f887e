"""Runs the shell examples of the documents as a reader of them would, inside the virtual environment."""

import subprocess
import sys
from pathlib import Path

from tests.docs.documents import ROOT


def run(script: str, data: Path) -> "subprocess.CompletedProcess[str]":
    """The script, run to its end from the root of the project, with its data in a folder."""
    activate = f'PATH="{Path(sys.executable).parent}:$PATH"; set -eu\n'
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "ATRIUM_DATA": str(data), "HOME": str(data)}
    return subprocess.run(
        ["sh", "-c", activate + script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
