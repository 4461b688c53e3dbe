"""``.npy`` arrays and ``.npz`` archives of them."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from apbundle.payload.byterange import ByteRange
from apbundle.payload.extents import check_extents
from apbundle.payload.npy_header import OBJECTS, NpyHeader, read_npy_header
from apbundle.payload.reading import MOST_INFLATED
from apbundle.payload.sink import Sink
from apbundle.payload.tensors import PayloadError
from apbundle.payload.zip_directory import DEFLATED, STORED, Entry, data_offset, find_directory, read_entries

ARRAY = "array"
"""The name of the one array of a ``.npy`` payload, which has none of its own."""

_SUFFIX = ".npy"
_LITTLE, _MUCH = 1 << 10, 1 << 16  # bytes of a compressed member in which its header is looked for
_ENTRIES_BETWEEN_CHECKS = 1024


def scan_npy(data: ByteRange, sink: Sink) -> None:
    """Describe a ``.npy`` payload.

    Raises
    ------
    PayloadError
        When its header is not sound.
    """
    header = _header(lambda size: data.at(0, size), 0)
    sink.fact("version", header.version)
    _add_stored(sink, ARRAY, header, 0, data.size)


def scan_npz(data: ByteRange, sink: Sink) -> None:
    """List the arrays of a ``.npz`` payload; of compressed ones no more is decoded than their headers.

    Raises
    ------
    PayloadError
        When the archive's directory is not sound.
    """
    directory = find_directory(data)
    for number, entry in enumerate(read_entries(data, directory), 1):
        if number % _ENTRIES_BETWEEN_CHECKS == 0:
            sink.reporter.check()
        try:
            _add_member(data, sink, entry)
        except PayloadError as error:
            sink.finding(f"the member {entry.name!r} is left out: {error.message}", error.offset)
    check_extents(sink, data.size)
    twice = sink.tensors.duplicate()
    if twice is not None:
        sink.finding(f"two arrays are named {twice!r}")


def _add_member(data: ByteRange, sink: Sink, entry: Entry) -> None:
    begin = data_offset(data, entry)
    if not entry.name.endswith(_SUFFIX):
        raise PayloadError("it is no array", begin)
    name = entry.name.removesuffix(_SUFFIX)
    if entry.method == STORED:
        header = _header(lambda size: data.at(begin, min(size, entry.size)), begin)
        _add_stored(sink, name, header, begin, begin + entry.size)
        return
    if entry.method != DEFLATED:
        raise PayloadError(f"its compression, method {entry.method}, is not read here", begin)
    header = _header(lambda size: _inflated_start(data, begin, entry.packed_size, size), begin)
    expected = header.size + header.raw_size
    if header.dtype == OBJECTS:
        _say_objects(sink, name, begin)
    elif entry.size != expected:
        sink.finding(f"array {name!r} takes {expected:,} bytes, its member says {entry.size:,}", begin)
    if expected > MOST_INFLATED * (entry.packed_size + 1):
        sink.finding(f"array {name!r} claims more than its {entry.packed_size:,} bytes can be decoded to", begin)
    encoding = "pickle" if header.dtype == OBJECTS else "deflate"
    sink.tensor(
        name,
        header.dtype,
        header.shape,
        begin,
        entry.packed_size,
        block=header.block,
        order=header.order,
        encoding=encoding,
        skip=header.size,
    )


def _add_stored(sink: Sink, name: str, header: NpyHeader, begin: int, end: int) -> None:
    """Add the array whose header begins at ``begin``, and whose data lies as it is up to ``end``."""
    begin += header.size
    size = header.raw_size
    encoding = ""
    if header.dtype == OBJECTS:
        size, encoding = end - begin, "pickle"
        _say_objects(sink, name, begin)
    elif size < end - begin:
        sink.finding(f"{end - begin - size:,} bytes follow the array {name!r}", begin + size)
    elif size > end - begin:
        sink.finding(f"array {name!r} takes {size:,} bytes, of which {end - begin:,} are there", begin)
        size = end - begin
    sink.tensor(
        name, header.dtype, header.shape, begin, size, block=header.block, order=header.order, encoding=encoding
    )


def _say_objects(sink: Sink, name: str, offset: int) -> None:
    sink.finding(f"array {name!r} holds pickled Python objects, which are not loaded", offset)


def _header(at: Callable[[int], bytes], begin: int) -> NpyHeader:
    try:
        return read_npy_header(at)
    except PayloadError as error:
        raise PayloadError(error.message, begin) from None


def _inflated_start(data: ByteRange, begin: int, packed_size: int, size: int) -> bytes:
    """The first ``size`` decoded bytes of a member, fewer when its first 64 KiB do not hold as many."""
    start = b""
    for packed in (_LITTLE, _MUCH):
        try:
            start = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data.at(begin, min(packed, packed_size)), size)
        except zlib.error as error:
            raise PayloadError(f"its data is damaged: {error}", begin) from None
        if len(start) == size:
            break
    return start
