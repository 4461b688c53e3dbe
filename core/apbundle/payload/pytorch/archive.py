"""The entries of PyTorch's zip archives: the pickles, and the storages where they lie."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from apbundle.payload.byterange import ByteRange
from apbundle.payload.pickles.listing import Place
from apbundle.payload.pytorch.tensors import Storage
from apbundle.payload.sink import Sink
from apbundle.payload.tensors import PayloadError
from apbundle.payload.zip_directory import DEFLATED, STORED, Entry, data_offset, find_directory, read_entries

MAX_ENTRIES = 250_000
"""Most entries of a checkpoint."""

MAX_DIRECTORY = 1 << 26
"""Longest directory of a checkpoint, in bytes: names are kept."""

LARGEST_PICKLE = 1 << 26
"""Most bytes that a compressed pickle is unpacked to."""

MAIN_PICKLE = "data.pkl"
"""The pickle that names the tensors of an archive."""

_PICKLE = ".pkl"
_LOCAL_HEADER = 30  # bytes before the name
_PIECE = 1 << 18
_BETWEEN_CHECKS = 1024  # entries


@dataclass(frozen=True, slots=True)
class Archive:
    """The entries of an archive by their names, those in its folder without the folder's."""

    data: ByteRange
    entries: dict[str, Entry]
    """Of two with the same name, the later."""
    pickles: list[tuple[str, Entry]]
    """All pickles, whether they are of use or not."""

    def content(self, entry: Entry) -> tuple[ByteRange, int, int]:
        """Bytes that hold an entry's content, and where it begins and ends (exclusive) in them.

        Raises
        ------
        PayloadError
            When it cannot be found or unpacked.
        """
        begin = data_offset(self.data, entry)
        if entry.method == STORED:
            return self.data, begin, begin + entry.size
        if entry.method != DEFLATED:
            raise PayloadError(f"its compression, method {entry.method}, is not read here", begin)
        text = _inflated(self.data, begin, entry)
        return ByteRange(text, len(text), lambda offset, size: text[offset : offset + size]), 0, len(text)


class Storages:
    """Finds the storages in one folder of an archive, and says once what is wrong with each."""

    def __init__(self, archive: Archive, folder: str, sink: Sink) -> None:
        self._archive = archive
        self._folder = folder
        self._sink = sink
        self._known: dict[str, Place | None] = {}

    def locate(self, storage: Storage) -> Place | None:
        """Where a storage lies; None when it is not there."""
        if storage.name not in self._known:
            self._known[storage.name] = self._find(storage)
        return self._known[storage.name]

    def _find(self, storage: Storage) -> Place | None:
        entry = self._archive.entries.get(f"{self._folder}/{storage.name}")
        if entry is None:
            return None
        try:
            begin = data_offset(self._archive.data, entry)
        except PayloadError as error:
            self._sink.finding(error.message, error.offset)
            return None
        if entry.method not in (STORED, DEFLATED):
            self._sink.finding(f"the compression of {entry.name!r}, method {entry.method}, is not read here", begin)
            return None
        if entry.size != storage.size:
            self._sink.finding(f"{entry.name!r} has {entry.size:,} bytes, its pickle says {storage.size:,}", begin)
        return Place(begin, entry.packed_size, entry.size, "" if entry.method == STORED else "deflate")


def open_archive(data: ByteRange, sink: Sink) -> Archive:
    """Read the directory of an archive, and say what is strange about it.

    Raises
    ------
    PayloadError
        When the directory is damaged, too large, or lists no pickle.
    """
    directory = find_directory(data)
    if directory.end - directory.begin > MAX_DIRECTORY:
        raise PayloadError(f"the directory has more than {MAX_DIRECTORY:,} bytes", directory.begin)
    if directory.shift:
        sink.finding(f"{directory.shift:,} bytes stand before the archive")
    found: list[Entry] = []
    for entry in read_entries(data, directory):
        found.append(entry)
        if len(found) > MAX_ENTRIES:
            raise PayloadError(f"the archive has more than {MAX_ENTRIES:,} entries", directory.begin)
        if len(found) % _BETWEEN_CHECKS == 0:
            sink.reporter.check()
    folders = [folder for folder, _, name in (entry.name.partition("/") for entry in found) if name == MAIN_PICKLE]
    if not folders:
        raise PayloadError("the archive has no folder with data.pkl", directory.begin)
    if len(set(folders)) > 1:
        sink.finding(f"{len(set(folders)):,} folders have a data.pkl; the first is read", directory.begin)
    entries: dict[str, Entry] = {}
    pickles: list[tuple[str, Entry]] = []
    for entry in found:
        name = entry.name.removeprefix(f"{folders[0]}/")
        if name in entries:
            sink.finding(f"two entries are named {entry.name!r}; programs differ in which they read", entry.header)
        entries[name] = entry
        if name.lower().endswith(_PICKLE):  # PyTorch finds entries whatever their case
            pickles.append((name, entry))
    _check_overlap(found, sink)
    return Archive(data, entries, pickles)


def _check_overlap(entries: list[Entry], sink: Sink) -> None:
    ordered = sorted(entries, key=lambda entry: entry.header)
    reached = 0
    for entry in ordered:
        if entry.header < reached:
            sink.finding(f"the entry {entry.name!r} lies within another", entry.header)
            return
        reached = entry.header + _LOCAL_HEADER + len(entry.raw_name) + entry.packed_size


def _inflated(data: ByteRange, begin: int, entry: Entry) -> bytes:
    """An entry unpacked, to no more than :data:`LARGEST_PICKLE` bytes."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    pieces: list[bytes] = []
    room = LARGEST_PICKLE
    for offset in range(begin, begin + entry.packed_size, _PIECE):
        packed = data.at(offset, min(_PIECE, begin + entry.packed_size - offset))
        try:
            pieces.append(stream.decompress(packed, room + 1))
        except zlib.error as error:
            raise PayloadError(f"it is damaged: {error}", begin) from None
        room -= len(pieces[-1])
        if room < 0:
            raise PayloadError(f"it is unpacked to more than {LARGEST_PICKLE:,} bytes", begin)
    return b"".join(pieces)
