"""The program ``apbundle`` run inside the test."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

import pytest

from apbundle.cli import main


@dataclass(frozen=True)
class Result:
    """What a run gave: its exit status and what it printed."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The output as JSON; it must be nothing else, and with nothing beside it."""
        assert self.err == ""
        assert self.out.isascii()
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error in the JSON output."""
        error = self.document["error"]
        assert set(error) == {"code", "message", "offset"}
        return dict(error)


class Program:
    """Runs commands and catches their output."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | os.PathLike[str]) -> Result:
        """Run one command."""
        self._capsys.readouterr()
        status = main([os.fspath(argument) for argument in arguments])
        return Result(status, *self._capsys.readouterr())

    def json(self, *arguments: str | os.PathLike[str]) -> Result:
        """Run one command with ``--json``."""
        return self("--json", *arguments)
