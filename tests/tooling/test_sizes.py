from pathlib import Path

import pytest

from tools.sizes import complaints


@pytest.fixture
def house(tmp_path: Path) -> Path:
    (tmp_path / "gateway").mkdir()
    return tmp_path


def function(lines: int, docstring: str = "") -> str:
    """A function with this many lines, its docstring not counted."""
    return "def ask():\n" + docstring + "    ...\n" * (lines - 1)


def test_a_file_and_a_function_at_their_limits_pass(house: Path) -> None:
    (house / "gateway/app.py").write_text(function(5))
    assert list(complaints(house, file_lines=5, function_lines=5)) == []


def test_a_file_over_the_limit_is_named_with_its_size(house: Path) -> None:
    (house / "gateway/app.py").write_text(function(6))
    assert list(complaints(house, file_lines=5, function_lines=6)) == [f"{house}/gateway/app.py: 6 lines, at most 5"]


def test_a_function_over_the_limit_is_named_with_its_line_and_size(house: Path) -> None:
    (house / "gateway/app.py").write_text("import os\n" + function(6))
    assert list(complaints(house, file_lines=9, function_lines=5)) == [
        f"{house}/gateway/app.py:2: ask has 6 lines, at most 5"
    ]


def test_an_inner_function_and_an_async_method_are_measured_too(house: Path) -> None:
    (house / "gateway/app.py").write_text(
        "class A:\n    async def b(self):\n        def c():\n            d()\n            e()\n"
    )
    assert [line.split(": ", 1)[1] for line in complaints(house, file_lines=9, function_lines=2)] == [
        "b has 4 lines, at most 2",
        "c has 3 lines, at most 2",
    ]


def test_a_docstring_does_not_count(house: Path) -> None:
    (house / "gateway/app.py").write_text(function(3, docstring='    """One.\n\n    Two.\n    """\n'))
    assert list(complaints(house, file_lines=9, function_lines=3)) == []


def test_generated_files_are_left_out(house: Path) -> None:
    (house / "schema/generated").mkdir(parents=True)
    (house / "schema/generated/big.py").write_text("x = 1\n" * 900)
    assert list(complaints(house, file_lines=400, function_lines=40)) == []
