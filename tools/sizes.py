"""Holds files and functions to a size that fits one glance: `python -m tools.sizes`.

Names each Python file over --file-lines lines and each function over --function-lines lines, and exits 1 when there
is one. Generated files are left out.
"""

import argparse
import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOMS = ("gateway", "loaders", "schema", "services", "tests", "bench", "chaos", "tools")
GENERATED = Path("schema/generated")


def python_files(root: Path) -> Iterator[Path]:
    """The Python files below the rooms of `root` that somebody wrote by hand."""
    for room in ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            if not path.is_relative_to(root / GENERATED):
                yield path


def oversized(path: Path, file_lines: int, function_lines: int) -> Iterator[str]:
    """A sentence for the file, and for each function in it, that is over its limit."""
    source = path.read_text()
    if (lines := source.count("\n")) > file_lines:
        yield f"{path}: {lines} lines, at most {file_lines}"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (size := length(node)) > function_lines:
            yield f"{path}:{node.lineno}: {node.name} has {size} lines, at most {function_lines}"


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From the line of its name to its last one; a docstring does not count."""
    last = function.end_lineno or function.lineno
    words = function.body[0]
    documented = ast.get_docstring(function) is not None
    return last - function.lineno + 1 - documented * ((words.end_lineno or 0) - words.lineno + 1)


def complaints(root: Path, file_lines: int, function_lines: int) -> Iterable[str]:
    """A sentence for everything below `root` that is over its limit."""
    for path in python_files(root):
        yield from oversized(path, file_lines, function_lines)


def main() -> None:
    """Prints the complaints and exits 1 when there are any."""
    parser = argparse.ArgumentParser(prog="python -m tools.sizes", description=__doc__)
    parser.add_argument("--file-lines", type=int, default=400, metavar="N", help="most lines of a file (400)")
    parser.add_argument("--function-lines", type=int, default=50, metavar="N", help="most lines of a function (50)")
    options = parser.parse_args()
    if found := list(complaints(Path(), options.file_lines, options.function_lines)):
        raise SystemExit("\n".join(found))


if __name__ == "__main__":
    main()
