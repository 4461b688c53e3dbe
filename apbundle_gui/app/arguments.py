"""The command line of the window. Knows no Qt, so that ``--help`` answers at once."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

THEMES = ("light", "dark", "system")


@dataclass(frozen=True, slots=True)
class Options:
    """What the program was asked to do."""

    files: tuple[str, ...]
    demo: bool
    screenshots: str | None
    theme: str | None


def parse(arguments: Sequence[str] | None) -> Options:
    """Read the arguments; ends the process for ``--help``, ``--version`` and wrong usage, as argparse does."""
    parser = argparse.ArgumentParser(
        prog="apbundle-gui", description="Build .apbundle files, look into them, and watch them page."
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="bundles and recordings to open")
    parser.add_argument("--demo", action="store_true", help="open the sample bundle and start a workload on it")
    parser.add_argument(
        "--screenshots",
        metavar="DIR",
        help="draw every page, in both themes and two sizes, to PNG files, Inspect of FILE; needs no display",
    )
    parser.add_argument("--theme", choices=THEMES, help="the theme of this run, instead of the remembered one")
    parser.add_argument("--version", action="version", version=f"apbundle {version('apbundle')}")
    found = parser.parse_args(arguments)
    return Options(tuple(found.files), found.demo, found.screenshots, found.theme)
