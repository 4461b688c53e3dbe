"""The commands there are, in the order people meet them."""

from __future__ import annotations

from apbundle.cli.compare import COMPARE
from apbundle.cli.curve import CURVE
from apbundle.cli.diff import DIFF
from apbundle.cli.explain import EXPLAIN
from apbundle.cli.extract import EXTRACT
from apbundle.cli.info import INFO
from apbundle.cli.pack import PACK
from apbundle.cli.parsing import Command
from apbundle.cli.replay import REPLAY
from apbundle.cli.verify import VERIFY

COMMANDS: dict[str, Command] = {
    command.name: command for command in (INFO, VERIFY, DIFF, PACK, EXTRACT, REPLAY, EXPLAIN, CURVE, COMPARE)
}
