"""Refreshes the files of GraphiQL and React from their npm packages: `python -m gateway.graphiql.vendor`.

It asks npm, which must be installed, for the packages named here, takes the few files that a browser needs, and writes
their sums beside them. To take a newer version, change it here, run this, and run the browser tests.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent / "static" / "vendor"
SUMS = FOLDER / "SHA256SUMS"
PACKAGES = {
    "graphiql@3.8.3": {
        "graphiql.min.js": "graphiql.min.js",
        "graphiql.min.css": "graphiql.min.css",
        "LICENSE": "graphiql.LICENSE.txt",
    },
    "react@18.3.1": {"umd/react.production.min.js": "react.production.min.js", "LICENSE": "react.LICENSE.txt"},
    "react-dom@18.3.1": {
        "umd/react-dom.production.min.js": "react-dom.production.min.js",
        "LICENSE": "react-dom.LICENSE.txt",
    },
}
"""By package and version: path in the package to name here. React 18 is the last to bring files for a plain page."""


def refresh() -> None:
    """Fetches every package and replaces the files and their sums."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is missing: install it, then run this again")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for package, files in PACKAGES.items():
        with tempfile.TemporaryDirectory() as folder:
            _unpack(_pack(npm, package, Path(folder)), files)
    SUMS.write_text("".join(f"{value}  {name}\n" for name, value in sums().items()), "utf-8")


def sums() -> dict[str, str]:
    """The SHA-256 of each file as it lies here, by name."""
    names = sorted(name for files in PACKAGES.values() for name in files.values())
    return {name: hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() for name in names}


def _pack(npm: str, package: str, folder: Path) -> Path:
    command = [npm, "pack", "--silent", "--pack-destination", str(folder), package]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - the packages are named above
    return next(folder.glob("*.tgz"))


def _unpack(archive: Path, files: dict[str, str]) -> None:
    with tarfile.open(archive) as package:
        for member, name in files.items():
            source = package.extractfile(f"package/{member}")
            if source is None:
                sys.exit(f"{archive.name} has no file {member}")
            (FOLDER / name).write_bytes(source.read())


if __name__ == "__main__":
    refresh()
