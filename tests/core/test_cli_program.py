"""The program as a whole: usage, help, streams that end early, and the process that ``python -m apbundle`` is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import apbundle
from apbundle import ModelBundle
from apbundle.cli.commands import COMMANDS
from support.cli import Program
from support.interpreter import run_python

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
BROKEN_PIPE = 141


def process(*arguments: str | os.PathLike[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
    """``python -m apbundle`` in a process of its own."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
    return subprocess.run([sys.executable, "-m", "apbundle", *arguments], check=False, **options)


def test_version(program: Program) -> None:
    for arguments in (["--version"], ["info", "--version"]):
        result = program(*arguments)
        assert (result.status, result.out) == (0, f"apbundle {version('apbundle')}\n")
    assert apbundle.__version__ == version("apbundle")


def test_overview_lists_the_commands(program: Program) -> None:
    result = program("--help")
    assert (result.status, result.err) == (0, "")
    for command in COMMANDS.values():
        assert f"  {command.name:<9}{command.summary}\n" in result.out


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(program: Program, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = program(name, "--help")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith(f"usage: apbundle {name} ")
    assert f"example:\n  apbundle {name} " in result.out
    assert "--json" in result.out
    prose = result.out.split("example:")[0].splitlines()
    assert max(map(len, prose)) < 80
    assert program(name, "-h").out == result.out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        ([], "Try apbundle --help."),
        (["inof"], "Did you mean info?"),
        (["--bogus"], "Try apbundle --help."),
        (["info"], "Try apbundle info --help."),
        (["info", "a", "b"], "Try apbundle info --help."),
        (["info", "a", "--bogus"], "Try apbundle info --help."),
        (["info", "a", "--js"], "Try apbundle info --help."),
        (["--bogus", "info", "a"], "Try apbundle info --help."),
        (["extract", "a"], "Try apbundle extract --help."),
        (["extract", "a", "-o"], "Try apbundle extract --help."),
        (["replay", "--ops", "b"], "Try apbundle replay --help."),
        (["\x1b[31m"], "Try apbundle --help."),
    ],
)
def test_usage(program: Program, arguments: list[str], hint: str) -> None:
    result = program(*arguments)
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("apbundle: ")
    assert hint in result.err
    assert [c for c in set(result.err) if not c.isprintable() and c != "\n"] == []
    as_json = program.json(*arguments)
    assert (as_json.status, as_json.error["code"]) == (2, "usage")


def test_options_stand_anywhere(program: Program, tmp_path: Path) -> None:
    file, out = GOLDEN / "three_models.apbundle", tmp_path / "out"
    given = [str(file), "encoder", "decoder"]
    for arguments in (
        ["extract", *given, "-o", str(out), "--force"],
        ["extract", "-o", str(out), *given, "--force"],
        ["extract", "--force", given[0], f"-o{out}", *given[1:]],
        ["extract", f"--output={out}", "--force", "--", *given],
        ["--force", "extract", *given, "--output", str(out)],
    ):
        assert [item["name"] for item in program.json(*arguments).document["written"]] == ["encoder", "decoder"]


def test_name_that_looks_like_an_option(program: Program, tmp_path: Path) -> None:
    path = ModelBundle().add_model("--json", b"x").write(tmp_path / "a.apbundle")
    result = program("extract", path, "-o", tmp_path / "out", "--", "--json")
    assert result.status == 0
    assert "extracted" in result.out


def test_interrupted_where_nothing_listens(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("apbundle.cli.info.describe_bundle", interrupt)
    result = program.json("info", GOLDEN / "empty.apbundle")
    assert (result.status, result.error["code"]) == (130, "cancelled")


def test_no_memory_left(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("apbundle.cli.info.describe_bundle", fail)
    result = program.json("info", GOLDEN / "empty.apbundle")
    assert (result.status, result.error["code"]) == (2, "out_of_memory")


def test_process() -> None:
    done = process("info", GOLDEN / "three_models.apbundle", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    assert [model["name"] for model in json.loads(done.stdout)["models"]] == ["encoder", "decoder", "classifier"]
    done = process("info", GOLDEN / "missing")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"apbundle: No such file or directory (")


@pytest.mark.parametrize(
    "arguments",
    [
        ["info", GOLDEN / "many.apbundle"],
        ["info", GOLDEN / "many.apbundle", "--json"],
        ["extract", GOLDEN / "ext_compressed.apbundle", "packed", "-o", "-"],
        ["replay", GOLDEN / "many.apbundle", "--ops", GOLDEN / "lru_scan.ops", "--max-memory", "6000", "--every"],
        ["--help"],
    ],
    ids=["table", "json", "bytes", "rows", "help"],
)
def test_reader_that_has_seen_enough(arguments: list[str | Path]) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = process(*arguments, stdout=write)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (BROKEN_PIPE, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is full")
@pytest.mark.parametrize(
    "arguments",
    [
        ["info", GOLDEN / "many.apbundle"],
        ["extract", GOLDEN / "ext_compressed.apbundle", "packed", "-o", "-"],
        ["--json", "info", GOLDEN / "missing"],
    ],
    ids=["table", "bytes", "error"],
)
def test_output_that_is_full(arguments: list[str | Path]) -> None:
    with open("/dev/full", "wb") as full:
        done = process(*arguments, stdout=full)
    assert done.returncode == 2
    if "--json" not in arguments:
        assert done.stderr == b"apbundle: No space left on device (standard output). Make room, then try again.\n"


@pytest.mark.skipif(os.name != "posix", reason="closes descriptors as a shell does")
@pytest.mark.parametrize(
    ("redirection", "name", "status", "said"),
    [
        (">&-", "many.apbundle", 2, b"apbundle: Bad file descriptor (standard output).\n"),
        ("2>&-", "many.apbundle", 0, b""),
        ("2>&-", "missing", 2, b""),
        (">&- 2>&-", "many.apbundle", 2, b""),
    ],
)
def test_streams_that_were_closed_before(redirection: str, name: str, status: int, said: bytes) -> None:
    command = f'exec "$0" -m apbundle "$1" "$2" {redirection}'
    for verb in ("info", "verify"):
        done = subprocess.run(
            ["sh", "-c", command, sys.executable, verb, GOLDEN / name], capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (status, said)


def test_commands_need_no_window() -> None:
    loaded = run_python("import sys, apbundle.cli.commands; print(*sys.modules)").split()
    assert not {name.split(".")[0] for name in loaded} & {"PySide6", "apbundle_gui"}
