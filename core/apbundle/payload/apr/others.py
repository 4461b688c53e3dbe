"""The other layouts behind the ``.apr`` magics: a JSON container, what compresses it, Whisper models, solvers."""

from __future__ import annotations

import zlib
from typing import Any

from apbundle.payload.apr.checksum import check_trailer
from apbundle.payload.byterange import ByteRange
from apbundle.payload.cursor import Cursor
from apbundle.payload.dtypes import element_bits
from apbundle.payload.extents import check_extents
from apbundle.payload.json_stream import JsonStream
from apbundle.payload.sink import Sink
from apbundle.payload.tensors import PayloadError, TensorInfo
from apbundle.payload.tree import add_json

_MAX_INDEX = 1 << 28  # bytes of an index that is read
_QUANTISATIONS = ("none", "half precision", "8 bits", "4 bits")
_WHISPER = (
    *("vocabulary", "audio context", "audio state", "audio heads", "audio layers"),
    *("text context", "text state", "text heads", "text layers", "mel bands"),
)
_SOLVERS = ("ant colony", "tabu search", "genetic", "hybrid")
_COLONY = ("alpha", "beta", "evaporation", "q0")
_ALGORITHMS = {1: "LZ4", 2: "Zstandard"}


def scan_apr_json(data: ByteRange, sink: Sink) -> None:
    """List what the JSON container holds: metadata, an index of tensors, both JSON, and the data.

    Raises
    ------
    PayloadError
        Where its index cannot be read further.
    """
    cursor = Cursor(data, 4, what="container")
    size = cursor.number(4)
    begin = cursor.offset
    cursor.skip(size)
    try:
        add_json(sink, JsonStream(data, begin, size, "metadata"))
    except PayloadError as error:
        sink.finding(error.message, error.offset)
    count, size = cursor.numbers("II")
    begin = cursor.offset
    cursor.skip(size)
    if size > _MAX_INDEX:
        raise PayloadError(f"the index has {size:,} bytes; at most {_MAX_INDEX:,} are read", begin)
    stream = JsonStream(data, begin, size, "index of tensors")
    listed = 0
    for _ in stream.items():
        place = stream.offset
        _add_tensor(stream.value(), cursor.offset, place, sink)
        listed += 1
    stream.finish()
    if listed != count:
        sink.finding(f"the container claims {count:,} tensors and lists {listed:,}", begin - 8)
    sink.fact("data offset", cursor.offset)
    check_extents(sink, data.size - 4)
    check_trailer(data, sink)


def _add_tensor(entry: Any, data_offset: int, place: int, sink: Sink) -> None:
    """Add a tensor as the index describes it; ``place`` is where it does so."""
    entry = entry if isinstance(entry, dict) else {}
    name, dtype, shape = entry.get("name"), entry.get("dtype"), entry.get("shape")
    numbers = [entry.get("offset"), entry.get("size")]
    if not isinstance(name, str) or not isinstance(dtype, str) or not isinstance(shape, list):
        raise PayloadError("an entry of the index is no tensor", place)
    if not all(type(number) is int and 0 <= number < 2**63 for number in (*shape, *numbers)):
        raise PayloadError(f"tensor {name!r} has a dimension, offset or size that is not a number", place)
    offset, size = numbers
    sink.tensor(name, dtype, shape, data_offset + offset, size)
    raw_size = TensorInfo(name, dtype, tuple(shape), 0, size).raw_size
    if element_bits(dtype) is None or raw_size != size:
        sink.finding(f"tensor {name!r} has {size:,} bytes, which its type and shape do not explain", place)


def scan_apr_whisper(data: ByteRange, sink: Sink) -> None:
    """Tell what the header of a Whisper model says; where its tensors are is not known here."""
    cursor = Cursor(data, 4, what="Whisper header")
    version, kind, quantisation, compressed, tensors, flags = cursor.numbers("HBBBHB")
    sink.fact("version", version)
    sink.fact("model", kind)
    known = quantisation < len(_QUANTISATIONS)
    sink.fact("quantisation", _QUANTISATIONS[quantisation] if known else quantisation)
    sink.fact("compressed", bool(compressed))
    sink.fact("tensors", tensors)
    sink.fact("holds a vocabulary", bool(flags & 1))
    sink.fact("holds a filterbank", bool(flags & 2))
    for name, number in zip(_WHISPER, cursor.numbers("I" * len(_WHISPER)), strict=True):
        sink.fact(name, number)


def scan_apr_tsp(data: ByteRange, sink: Sink) -> None:
    """Tell what a solver of the travelling salesman problem says of itself.

    Raises
    ------
    PayloadError
        When it ends early.
    """
    cursor = Cursor(data, 4, what="solver")
    sink.fact("version", cursor.number(4))
    cursor.skip(4)
    stored = cursor.number(4)
    found = zlib.crc32(data.at(cursor.offset, min(cursor.left, 1 << 16)))
    if found != stored:
        sink.finding(f"the checksum of the payload is {stored:08x}, its bytes give {found:08x}", 12)
    (algorithm,) = cursor.numbers("B")
    sink.fact("algorithm", _SOLVERS[algorithm] if algorithm < len(_SOLVERS) else algorithm)
    names = ("trained instances", "average size", "gap", "seconds")
    for name, value in zip(names, cursor.unpack("IIdd"), strict=True):
        sink.fact(name, value)
    if algorithm == 0:
        for name, value in zip((*_COLONY, "ants"), cursor.unpack("ddddI"), strict=True):
            sink.fact(name, value)


def scan_apr_compressed(data: ByteRange, sink: Sink) -> None:
    """Tell what is known of a compressed JSON container without decoding it."""
    cursor = Cursor(data, 4, what="container")
    algorithm, size = cursor.numbers("BI")
    sink.fact("compression", _ALGORITHMS.get(algorithm, algorithm))
    sink.fact("bytes when decoded", size)
