"""Habits of the source text that no other tool watches."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

FOLDERS = ("core", "apbundle_gui", "tests", "resources")
LONGEST_MODULE = 400
LONGEST_TEST = 500
FIXED_WAIT = re.compile(r"\bsleep\(|\bqtbot\.wait\(|\bqWait\(")


@pytest.fixture(scope="module")
def sources(root: Path) -> dict[str, str]:
    """The text of every Python file, by path within the project."""
    paths = (path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py")))
    return {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def test_modules_say_what_they_are(sources: dict[str, str]) -> None:
    assert not [name for name, text in sources.items() if text.strip() and not ast.get_docstring(ast.parse(text))]


def test_modules_are_small(sources: dict[str, str]) -> None:
    lines = {name: text.count("\n") for name, text in sources.items()}
    long = {name: n for name, n in lines.items() if n > (LONGEST_TEST if name.startswith("tests/") else LONGEST_MODULE)}
    assert not long


def test_tests_wait_for_conditions(sources: dict[str, str]) -> None:
    here = "tests/core/test_text_of_the_project.py"
    tests = {name: text for name, text in sources.items() if name.startswith("tests/") and name != here}
    assert not [name for name, text in tests.items() if FIXED_WAIT.search(text)]


def test_no_file_knows_where_it_was_written(root: Path) -> None:
    texts = [
        path for folder in FOLDERS for path in (root / folder).rglob("*") if path.suffix in (".py", ".md", ".json")
    ]
    texts += [path for path in root.iterdir() if path.is_file() and path.suffix in (".md", ".toml", "")]
    assert not [str(path) for path in texts if str(root) in path.read_text(encoding="utf-8", errors="replace")]
