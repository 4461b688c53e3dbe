"""The entries of a manifest in columns, and reading them one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from apbundle.format import layout
from apbundle.format.name_list import ListedNames, Names


@dataclass(frozen=True, slots=True)
class Entries:
    """The entries of a manifest.

    ``sizes`` and ``offsets`` are the models', in bytes. ``bounds`` has where each entry begins in the manifest's bytes,
    and where the last one ends.
    """

    names: Names
    sizes: Sequence[int]
    offsets: Sequence[int]
    bounds: Sequence[int]


def read_entries(data: bytes, at: int, count: int, fail: Callable[[str, str, int], NoReturn]) -> Entries:
    """The ``count`` entries that begin at ``at`` of ``data``; ``fail(code, message, at)`` raises at the first fault."""
    index: dict[str, int] = {}
    sizes: list[int] = []
    offsets: list[int] = []
    bounds: list[int] = [at]
    unpack_length, unpack_tail = layout.U32.unpack_from, layout.ENTRY_TAIL.unpack_from
    last = len(data) - layout.SMALLEST_ENTRY  # where the last entry must begin at the latest, with an empty name
    for number in range(count):
        if at > last:
            fail("bad_manifest", f"The manifest ends inside entry {number}.", at)
        (length,) = unpack_length(data, at)
        if length > last - at:
            fail("bad_manifest", f"The name of model {number} claims {length} bytes; {last - at} remain.", at)
        if length > layout.MAX_NAME:
            fail("limit_exceeded", f"The name of model {number} has {length} bytes; the limit is 65535.", at)
        begin = at + 4
        tail = begin + length
        try:
            name = data[begin:tail].decode()
        except UnicodeDecodeError as error:
            fail("bad_utf8", f"The name of model {number} is not UTF-8.", begin + error.start)
        if name in index:
            fail("duplicate_name", f"Two models are named {name!r}: readers could disagree on which is meant.", begin)
        index[name] = number
        size, offset = unpack_tail(data, tail)
        sizes.append(size)
        offsets.append(offset)
        at = tail + 16
        bounds.append(at)
    return Entries(ListedNames(index), sizes, offsets, bounds)
