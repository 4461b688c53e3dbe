"""Numbers of variable length, as protocol buffers store them, decoded to a fixed number of bytes each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from apbundle.payload.dtypes import element_bits
from apbundle.payload.tensors import PayloadError, Read, TensorInfo

_PIECE = 1 << 18
_LONGEST = 10  # bytes of one number


def decode_varints(info: TensorInfo, read: Read, wanted: int) -> Iterator[bytes]:
    """The elements of a tensor stored so, little-endian, piece by piece; no more than ``wanted`` bytes.

    Elements smaller than a byte are stored several to a number, which is then their packed byte.

    Raises
    ------
    PayloadError
        When a number is longer than any can be, or the last one does not end.
    """
    width = max(1, (element_bits(info.dtype) or 8) // 8)
    waiting = b""
    end = info.offset + info.size
    for offset in range(info.offset, end, _PIECE):
        if wanted <= 0:
            return
        data = np.frombuffer(waiting + read(offset, min(_PIECE, end - offset)), np.uint8)
        last = np.flatnonzero(data < 0x80)
        whole = int(last[-1]) + 1 if len(last) else 0
        waiting = data[whole:].tobytes()
        if len(waiting) >= _LONGEST:
            raise _damaged(info, offset)
        if not whole:
            continue
        lengths = np.diff(last, prepend=-1)
        if int(lengths.max()) > _LONGEST:
            raise _damaged(info, offset)
        first = last - lengths + 1
        places = np.arange(whole) - np.repeat(first, lengths)
        parts = (data[:whole] & 0x7F).astype(np.uint64) << (7 * places).astype(np.uint64)
        numbers = np.bitwise_or.reduceat(parts, first).astype("<u8", copy=False)
        decoded = numbers.view(np.uint8).reshape(-1, 8)[:, :width].tobytes()[:wanted]
        wanted -= len(decoded)
        yield decoded
    if waiting and wanted > 0:
        raise _damaged(info, end)


def _damaged(info: TensorInfo, offset: int) -> PayloadError:
    return PayloadError(f"the data of tensor {info.name!r} is damaged: a number does not end", offset)
