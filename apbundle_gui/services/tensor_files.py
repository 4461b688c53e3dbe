"""Tensors out of a bundle to files of their own: for numpy where that has their type, else as near to it as there is.

What numpy can store becomes an ``.npy`` file. Types that only safetensors names (BF16, the 8-bit floats) become a
``.safetensors`` file with one tensor. Anything else, quantised blocks above all, is written as its raw bytes.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from apbundle.errors import BundleError, bundle_error
from apbundle.fileio import OutputFile, write_atomically
from apbundle.format.reader import BundleReader
from apbundle.names import collision_key, safe_file_name
from apbundle.payload.arrays import dtype_of, tensor_array
from apbundle.payload.reading import can_read, decoded_size, read_tensor, tensor_pieces
from apbundle.payload.safetensors_header import TYPES
from apbundle.payload.tensors import TensorInfo
from apbundle.progress import Cancel, Progress, Reporter
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.jobs import Job, JobRunner

NPY, SAFETENSORS, RAW = ".npy", ".safetensors", ".bin"
MOST_GATHERED: Final = 1 << 30
"""Bytes of a tensor that is put together in memory, because its elements are not stored one after the other."""
_PIECE: Final = 4 << 20
_NUMPY_NAME: Final = re.compile(r"[<>|][SUMm][0-9]{1,9}(\[[0-9a-zA-Z]{1,8}\])?", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z0-9_]{1,16}", re.ASCII)

TensorKey = tuple[int, int]
"""A tensor: the index of its model, and its number in that."""


@dataclass(frozen=True, slots=True)
class TensorFile:
    """A tensor that was written, and where."""

    key: TensorKey
    path: str


@dataclass(frozen=True, slots=True)
class TensorFailure:
    """A tensor that was not written, its name, and why."""

    key: TensorKey
    name: str
    error: BundleError | OSError


@dataclass(frozen=True, slots=True)
class TensorReport:
    """What became of each tensor asked for."""

    written: tuple[TensorFile, ...]
    failed: tuple[TensorFailure, ...]


def ending_of(info: TensorInfo) -> str:
    """The ending of the tensor's file: ``.npy``, ``.safetensors``, or one with its type such as ``.Q4_K.bin``."""
    if numpy_type(info) is not None:
        return NPY
    if info.block is None and info.dtype in TYPES and info.raw_size is not None:
        return SAFETENSORS
    return f".{info.dtype}{RAW}" if _WORD.fullmatch(info.dtype) else RAW


def numpy_type(info: TensorInfo) -> np.dtype[Any] | None:
    """The element type, if it is one that numpy stores by itself."""
    if info.block is None:
        dtype = dtype_of(info.dtype)
        return dtype if dtype is not None and dtype.type.__module__ == "numpy" else None  # not of ml_dtypes
    if info.block.elements != 1 or not _NUMPY_NAME.fullmatch(info.block.name):
        return None
    try:
        return np.dtype(info.block.name)
    except TypeError:  # a time in units that there are not
        return None


def write_tensors(
    jobs: JobRunner,
    inspection: Inspection,
    tensors: Sequence[TensorKey],
    folder: str,
    *,
    title: str,
    on_done: Callable[[TensorReport], None],
    on_failed: Callable[[BaseException], None] | None = None,
    on_cancelled: Callable[[], None] | None = None,
) -> Job:
    """Write known tensors to files in ``folder`` as a job. No file that exists is replaced: names are numbered."""
    contents, names, reader = inspection.contents, inspection.names, inspection.reader
    wanted = [(key, names[key[0]], contents.info(contents.row_of(*key))) for key in tensors]

    def work(progress: Progress, cancel: Cancel) -> TensorReport:
        reporter = Reporter(progress, cancel)
        reporter.phase("extract", sum(file_size(info) for _, _, info in wanted))
        taken = {collision_key(name) for name in os.listdir(folder)}
        written: list[TensorFile] = []
        failed: list[TensorFailure] = []
        for key, model, info in wanted:
            ending = ending_of(info)
            path = os.path.join(folder, safe_file_name(info.name or "tensor", taken, ending))
            try:
                written.append(TensorFile(key, write_tensor(reader, model, info, path, reporter)))
            except (BundleError, OSError) as error:
                if isinstance(error, BundleError) and error.code == "cancelled":
                    raise
                failed.append(TensorFailure(key, info.name, error.with_traceback(None)))
                if isinstance(error, BundleError) and error.code == "disk_full":
                    break
        return TensorReport(tuple(written), tuple(failed))

    return jobs.start(title, work, on_done=on_done, on_failed=on_failed, on_cancelled=on_cancelled)


def file_size(info: TensorInfo) -> int:
    """About how many bytes the file of a tensor has."""
    return max(info.size, (info.raw_size or 0))


def write_tensor(reader: BundleReader, model: str, info: TensorInfo, path: str, reporter: Reporter) -> str:
    """Write one tensor to a new file at ``path``, of the kind that :func:`ending_of` says; the answer is its path.

    Raises
    ------
    UnsupportedFeature
        Its elements cannot be had: they are elsewhere, damaged, or stored in a way that is not read here.
    BundleError, OSError
        The model cannot be read, or the file not be written.
    """
    try:
        head, size, pieces = _content(reader, model, info)

        def fill(out: OutputFile) -> None:
            out.write_at(0, head)
            at = len(head)
            for piece in pieces:
                out.write_at(at, piece)
                at += len(piece)
                reporter.advance(len(piece))

        return write_atomically(
            path,
            size=len(head) + size,
            fill=fill,
            inputs=[reader.path],
            overwrite=False,
            follow_links=False,
            reporter=Reporter(None, reporter.cancel),
        )
    except BundleError:
        raise
    except ValueError as error:  # of the payload: its content contradicts what it lists
        raise bundle_error(
            "unsupported_feature", f"The tensor {info.name!r} cannot be read: {error}.", path=reader.path
        ) from error


def _content(reader: BundleReader, model: str, info: TensorInfo) -> tuple[bytes, int, Iterator[memoryview]]:
    """The file's first bytes, how many follow, and these in pieces."""
    read = partial(reader.read_range, model)
    size = decoded_size(info)
    if size is None or not can_read(info):
        where = "its elements are in another file" if info.encoding == "external" else "it is stored in an unknown way"
        raise ValueError(where)
    ending = ending_of(info)
    if ending.endswith(RAW):
        return b"", size, tensor_pieces(info, read)
    columns_first = ending == NPY and info.order == "F" and len(info.shape) > 1 and info.strides is None
    head = _npy_head(info, columns_first) if ending == NPY else _safetensors_head(info)
    whole = info.raw_size
    assert whole is not None  # both kinds of file take types of known size only
    if info.strides is None and (info.order == "C" or len(info.shape) < 2 or columns_first):
        if size != whole:
            raise ValueError(f"it has {size:,} bytes where its shape takes {whole:,}")
        return head, whole, tensor_pieces(info, read)
    if max(whole, size) > MOST_GATHERED:
        raise ValueError("its elements are not stored one after the other, and it is too large to put them in order")
    stored = bytearray(size)
    read_tensor(info, read, stored)
    gathered = tensor_array(info, memoryview(stored)).tobytes()
    return head, whole, _cut(memoryview(gathered))


def _cut(data: memoryview) -> Iterator[memoryview]:
    for at in range(0, len(data), _PIECE):
        yield data[at : at + _PIECE]


def _npy_head(info: TensorInfo, columns_first: bool) -> bytes:
    dtype = numpy_type(info)
    assert dtype is not None
    head = io.BytesIO()
    described = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": columns_first,
        "shape": info.shape,
    }
    np.lib.format.write_array_header_1_0(head, described)  # 64 KiB suffice for all dimensions there can be
    return head.getvalue()


def _safetensors_head(info: TensorInfo) -> bytes:
    name = info.name.encode("utf-8", "replace").decode()
    described = {"dtype": info.dtype, "shape": list(info.shape), "data_offsets": [0, info.raw_size]}
    text = json.dumps({name: described}, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
