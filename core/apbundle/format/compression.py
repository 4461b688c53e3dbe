"""zstd in frames of their own: any part of a compressed model is read by decoding the frames it touches, no more."""

from __future__ import annotations

import sys
from collections.abc import Callable

from apbundle.errors import bundle_error
from apbundle.format import layout
from apbundle.format.model import Compression, ModelEntry

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_OPTIONS: dict[int, int] = {zstd.DecompressionParameter.window_log_max: layout.MAX_ZSTD_WINDOW_LOG}


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

    ``read(offset, size)`` gives stored bytes of the model. One frame is in memory at a time.

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
        raw = _decode_frame(entry, table, index, read, path)
        part = memoryview(raw)[skip : skip + len(buffer) - done]
        buffer[done : done + len(part)] = part
        done += len(part)


def _decode_frame(
    entry: ModelEntry, table: Compression, index: int, read: Callable[[int, int], bytes], path: str
) -> bytes:
    start, end, expected = table.frame(index)
    try:
        if end - start > layout.MAX_FRAME:
            raise zstd.ZstdError(f"it takes {end - start} stored bytes for {expected} raw ones")
        frame = read(start, end - start)
        declared = zstd.get_frame_info(frame).decompressed_size
        if declared != expected:
            raise zstd.ZstdError(f"it declares {declared} raw bytes instead of {expected}")
        if _window(frame) > 1 << layout.MAX_ZSTD_WINDOW_LOG:  # the decoder itself lets small frames pass
            raise zstd.ZstdError(f"it asks for a window of {_window(frame)} bytes")
        decoder = zstd.ZstdDecompressor(options=_OPTIONS)
        raw = decoder.decompress(frame, max_length=expected + 1)
        if not decoder.eof or len(raw) != expected or decoder.unused_data:
            raise zstd.ZstdError(f"it does not hold exactly {expected} raw bytes")
    except (zstd.ZstdError, ValueError) as error:
        raise bundle_error(
            "decompression_failed",
            f"Chunk {index} of the model {entry.name!r} cannot be decompressed: {error}.",
            path=path,
            hint="The model is damaged; the others are not concerned.",
        ) from error
    return raw


def _window(frame: bytes) -> int:
    """The bytes of history that a frame asks its decoder to keep; 0 when that is its content."""
    if frame[4] & 0x20:
        return 0
    base = 1 << (10 + (frame[5] >> 3))
    return base + (base >> 3) * (frame[5] & 7)
