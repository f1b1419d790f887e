"""What others would put in front of the same backends: each serves the home query at `POST /graphql`.

Stock Strawberry is Python like the gateway. Mercurius and Apollo Server run where there are Node.js and npm, which
installs them, as `package-lock.json` says, beside this file when they are first wanted.
"""

import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent
LOCK = FOLDER / "package-lock.json"
INSTALLED = FOLDER / "node_modules" / ".package-lock.json"
"""npm writes it last."""
PATIENCE_SECONDS = 300.0


def why_not() -> str:
    """Why there are no peers in Node.js, as a clause; empty when there are, installed now unless they were before."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "there is no npm"
    if INSTALLED.exists() and INSTALLED.stat().st_mtime >= LOCK.stat().st_mtime:
        return ""
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, timeout=PATIENCE_SECONDS, process_group=0)
    except subprocess.TimeoutExpired:
        return "npm took too long to install them"
    return "npm could not install them" if done.returncode else ""
