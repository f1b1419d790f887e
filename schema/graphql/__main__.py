"""Prints the GraphQL schema to `schema/schema.graphql`.

`python -m schema.graphql` writes the file; with `--check` it writes nothing and exits 1 when the file is stale.
"""

import sys
from pathlib import Path

from schema.graphql.schema import create_schema

PRINTED = Path(__file__).parents[1] / "schema.graphql"


def printed() -> str:
    """The schema as the file must hold it."""
    return create_schema().as_str() + "\n"


def check(path: Path) -> None:
    """Exits 1 when the file at `path` is missing or stale."""
    if not path.exists() or path.read_text() != printed():
        raise SystemExit(f"stale, run `make generate`: {path.name}")


def main() -> None:
    """Writes or checks, as the command line says."""
    if "--check" in sys.argv[1:]:
        check(PRINTED)
    else:
        PRINTED.write_text(printed())


if __name__ == "__main__":
    main()
