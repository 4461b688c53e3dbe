"""Fixtures of the library's tests."""

from __future__ import annotations

import pytest

from support.cli import Program


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    """The program ``apbundle``, run inside the test."""
    return Program(capsys)
