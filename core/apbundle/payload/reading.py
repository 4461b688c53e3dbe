"""The bytes of a tensor, decoded where they are stored otherwise, in memory the caller bounds."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

from apbundle.payload.dtypes import element_bits
from apbundle.payload.tensors import PayloadError, Read, TensorInfo
from apbundle.payload.varints import decode_varints

MOST_INFLATED = 1032
"""Most bytes that deflate makes of one."""

_PIECE = 1 << 18


def can_read(info: TensorInfo) -> bool:
    """Whether :func:`read_tensor` knows how the tensor is stored, and its bytes can be as many as its shape needs."""
    size = decoded_size(info)
    if size is None or info.encoding not in _DECODERS:
        return False
    return info.encoding != "deflate" or size + info.skip <= MOST_INFLATED * (info.size + 1)


def decoded_size(info: TensorInfo) -> int | None:
    """Bytes that :func:`read_tensor` gives; None when that is not known.

    Of a tensor stored as it is, what is stored: with strides, or damaged, that may differ from its raw size.
    """
    if info.encoding == "":
        return info.size
    if info.strides is None or info.elements == 0:
        return info.raw_size
    bits = element_bits(info.dtype)
    last = sum((length - 1) * step for length, step in zip(info.shape, info.strides, strict=True))
    return None if bits is None else (last + 1) * bits // 8


def read_tensor(info: TensorInfo, read: Read, into: bytearray | memoryview) -> None:
    """Fill ``into`` with the decoded bytes of a tensor; never more than that is decoded, whatever is stored.

    Parameters
    ----------
    info
        The tensor.
    read
        ``read(offset, size)`` gives bytes of the payload; asked for at most 256 KiB at once.
    into
        Writable, of :func:`decoded_size` bytes.

    Raises
    ------
    PayloadError
        When the encoding is not known, damaged, or ends early.
    ValueError
        When ``into`` has another size.
    """
    size = _known_size(info)
    target = memoryview(into).cast("B")
    if len(target) != size:
        raise ValueError(f"tensor {info.name!r} takes {size:,} bytes, not {len(target):,}")
    place = 0
    for piece in tensor_pieces(info, read):
        target[place : place + len(piece)] = piece
        place += len(piece)


def tensor_pieces(info: TensorInfo, read: Read) -> Iterator[memoryview]:
    """The decoded bytes of a tensor in pieces of about 256 KiB, from its first one on: what memory cannot hold.

    Parameters are those of :func:`read_tensor`, and so are the errors, which may come after pieces.
    """
    size = _known_size(info)
    skip, given = info.skip, 0
    for piece in _DECODERS[info.encoding](info, read, size + info.skip) if size else ():
        part = memoryview(piece)[skip:]
        skip = max(0, skip - len(piece))
        given += len(part)
        yield part
    if given < size:
        raise PayloadError(f"the data of tensor {info.name!r} ends early", info.offset)


def _known_size(info: TensorInfo) -> int:
    size = decoded_size(info)
    if size is None or info.encoding not in _DECODERS:
        raise PayloadError(f"tensor {info.name!r} is stored in a way that is not read here: {info.encoding}")
    return size


def _stored(info: TensorInfo, read: Read, wanted: int) -> Iterator[bytes]:
    for offset in range(info.offset, info.offset + wanted, _PIECE):
        yield read(offset, min(_PIECE, info.offset + wanted - offset))


def _inflated(info: TensorInfo, read: Read, wanted: int) -> Iterator[bytes]:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    waiting = b""
    offset, end = info.offset, info.offset + info.size
    while wanted and not stream.eof:
        if not waiting and offset < end:
            waiting = read(offset, min(_PIECE, end - offset))
            offset += len(waiting)
        try:
            piece = stream.decompress(waiting, min(_PIECE, wanted))
        except zlib.error as error:
            raise PayloadError(f"the data of tensor {info.name!r} is damaged: {error}", info.offset) from None
        waiting = stream.unconsumed_tail
        if not piece and not waiting and offset == end:
            return
        wanted -= len(piece)
        yield piece


_DECODERS: dict[str, Callable[[TensorInfo, Read, int], Iterator[bytes]]] = {
    "": _stored,
    "deflate": _inflated,
    "varint": decode_varints,
}
