"""zstd in frames of their own: any part of a compressed model is read by decoding the frames it touches, no more."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from apbundle.errors import bundle_error
from apbundle.format import layout
from apbundle.format.model import Compression, ModelEntry

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: layout.MAX_ZSTD_WINDOW_LOG}

_PIECE = 1 << 17


def encode_chunk(data: memoryview) -> bytes:
    """``data`` as one zstd frame that carries its content size."""
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: layout.COMPRESSION_LEVEL,
        zstd.CompressionParameter.content_size_flag: 1,
    }
    return zstd.compress(data, options=options)


def decode_into(
    entry: ModelEntry, read: Callable[[int, int], bytes], offset: int, buffer: memoryview, path: str
) -> None:
    """Fill ``buffer`` with raw bytes of a compressed model from ``offset``.

    ``read(offset, size)`` gives stored bytes of the model. Frames are read and decoded piece by piece: besides
    ``buffer`` this takes the window that a frame asks for and little more.

    Raises
    ------
    DecompressionError
        A frame does not decode to exactly what the table declares.
    """
    table = entry.compression
    assert table is not None
    done = 0
    while done < len(buffer):
        index, skip = divmod(offset + done, table.chunk)
        end = min(table.frame(index)[2] - skip, len(buffer) - done)
        try:
            for place, piece in _decoded(table, index, read):
                part = piece[max(0, skip - place) : max(0, skip + end - place)]
                begin = done + max(0, place - skip)
                buffer[begin : begin + len(part)] = part
        except (zstd.ZstdError, ValueError) as error:
            raise bundle_error(
                "decompression_failed",
                f"Chunk {index} of the model {entry.name!r} cannot be decompressed: {error}.",
                path=path,
                hint="The model is damaged; the others are not concerned.",
            ) from error
        done += end


def _decoded(table: Compression, index: int, read: Callable[[int, int], bytes]) -> Iterator[tuple[int, bytes]]:
    """The raw bytes of a frame in pieces, each after its place; raises ``ZstdError`` if they are not as declared."""
    at, end, expected = table.frame(index)
    if end - at > layout.MAX_FRAME:
        raise zstd.ZstdError(f"it takes {end - at} stored bytes for {expected} raw ones")
    stored = read(at, min(_PIECE, end - at))
    declared = zstd.get_frame_info(stored).decompressed_size
    if declared != expected:
        raise zstd.ZstdError(f"it declares {declared} raw bytes instead of {expected}")
    if _window(stored) > 1 << layout.MAX_ZSTD_WINDOW_LOG:  # the decoder itself lets small frames pass
        raise zstd.ZstdError(f"it asks for a window of {_window(stored)} bytes")
    decoder = zstd.ZstdDecompressor(options=_OPTIONS)
    place = 0
    while not decoder.eof and place <= expected and (stored or not decoder.needs_input):
        at += len(stored)
        piece = decoder.decompress(stored, max_length=_PIECE)
        yield place, piece
        place += len(piece)
        stored = read(at, min(_PIECE, end - at)) if decoder.needs_input and at < end else b""
    if not decoder.eof or place != expected or decoder.unused_data or at < end:
        raise zstd.ZstdError(f"it does not hold exactly {expected} raw bytes")


def _window(frame: bytes) -> int:
    """The bytes of history that a frame asks its decoder to keep; 0 when that is its content."""
    if frame[4] & 0x20:
        return 0
    base = 1 << (10 + (frame[5] >> 3))
    return base + (base >> 3) * (frame[5] & 7)
