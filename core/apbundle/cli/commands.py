"""The commands there are, in the order people meet them; each is loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Final

from apbundle.cli.parsing import Command

_NAMES: Final = ("info", "verify", "diff", "pack", "extract", "edit", "merge", "replay", "explain", "curve", "compare")


class _Commands(Mapping[str, Command]):
    """The commands by name. Of the command ``x``, the module ``x`` beside this one says all, as ``X``."""

    def __getitem__(self, name: str) -> Command:
        if name not in _NAMES:
            raise KeyError(name)
        command = getattr(import_module(f"apbundle.cli.{name}"), name.upper())
        assert isinstance(command, Command)
        return command

    def __contains__(self, name: object) -> bool:
        return name in _NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(_NAMES)

    def __len__(self) -> int:
        return len(_NAMES)


COMMANDS: Final[Mapping[str, Command]] = _Commands()
