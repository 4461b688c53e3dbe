"""The benchmarks run, and print one table; what they measure is not judged here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BENCHMARKS), "--quick", "--folder", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1"})


@pytest.mark.skipif(sys.platform != "linux", reason="they measure Linux")
def test_a_table_of_what_was_asked_for(tmp_path: Path) -> None:
    done = run(tmp_path, "loading")
    assert done.returncode == 0, done.stderr
    table = done.stdout.rpartition("\n\n")[2].splitlines()
    assert table[0].split() == ["operation", "ours", "peer", "peer's", "ratio", "goal", "met"]
    assert len(table) == 1 + 4
    assert all("preadv into a kept buffer" in line for line in table[1:])
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_none(tmp_path: Path) -> None:
    done = run(tmp_path, "loading", "walks")
    assert done.returncode == 2
    assert "no benchmark is called" in done.stderr
    assert "opening" in done.stderr
