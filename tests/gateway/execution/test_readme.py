"""What the package says of itself is so."""

import ast
import re
import sys
from pathlib import Path
from runpy import run_path

from gateway import execution

FOLDER = Path(execution.__file__).parent
README = FOLDER.joinpath("README.md").read_text()


def test_the_example_runs(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    script = tmp_path / "example.py"
    script.write_text(example)
    run_path(str(script), run_name="__main__")


def test_the_limits_are_as_written() -> None:
    written = re.findall(r"`(most_\w+)` = ([\d,]+)", README)
    defaults = execution.Plans.__init__.__defaults__ or ()
    assert [int(value.replace(",", "")) for _, value in written] == [
        default for default in defaults if default is not None
    ]


def test_every_reason_is_written() -> None:
    source = "".join(path.read_text() for path in FOLDER.glob("*.py"))
    reasons = set(
        re.findall(r'return "([a-z ]+)"|note\("([a-z ]+)"\)|(?:refused|reason)(?:: str \| None)? = "([a-z ]+)"', source)
    )
    said = {reason for found in reasons for reason in found if reason}
    assert said
    assert {reason for reason in said if f"`{reason}`" not in README} == set()


def test_it_imports_graphql_core_and_in_one_module_strawberry() -> None:
    allowed = {*sys.stdlib_module_names, "graphql"}
    for path in FOLDER.glob("*.py"):
        imported = {name.partition(".")[0] for name in _imports(ast.parse(path.read_text()))}
        assert imported - allowed == ({"strawberry"} if path.name == "for_strawberry.py" else set())


def _imports(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append(node.module or "")
    return found
