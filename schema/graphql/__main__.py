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


def main() -> None:
    """Writes or checks, as the command line says."""
    if "--check" not in sys.argv[1:]:
        PRINTED.write_text(printed())
    elif not PRINTED.exists() or PRINTED.read_text() != printed():
        raise SystemExit(f"stale, run `python -m schema.graphql`: {PRINTED.name}")


if __name__ == "__main__":
    main()
