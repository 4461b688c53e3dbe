"""Tensors in bundles, as the window opens them."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from apbundle import BundleBuilder
from apbundle.format.reader import BundleReader
from apbundle.payload.contents import read_contents
from apbundle.payload.tensors import TensorInfo
from apbundle_gui.services.tensor_elements import Elements

NAMES = {
    "bool": "BOOL",
    "int8": "I8",
    "uint8": "U8",
    "int16": "I16",
    "uint16": "U16",
    "int32": "I32",
    "uint32": "U32",
    "int64": "I64",
    "uint64": "U64",
    "float16": "F16",
    "float32": "F32",
    "float64": "F64",
    "complex64": "C64",
    "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "float8_e8m0fnu": "F8_E8M0",
}
"""Types of numpy and ``ml_dtypes``, as safetensors names them."""


def safetensors(arrays: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    """A safetensors payload of arrays of any of these types."""
    header: dict[str, Any] = {}
    data = b""
    for name, array in arrays.items():
        stored = np.ascontiguousarray(array).tobytes()
        header[name] = {
            "dtype": NAMES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(stored)],
        }
        data += stored
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def npz(arrays: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    """A deflated archive of arrays."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def npy(array: np.ndarray[Any, Any]) -> bytes:
    """One array, in the order it has."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def bundle(path: Path, models: Mapping[str, bytes], *, compress: bool = False) -> Path:
    """A bundle of these payloads."""
    builder = BundleBuilder(path)
    for name, payload in models.items():
        builder.add_model(name, payload, compress=compress)
    builder.build().close()
    return path


def infos(reader: BundleReader, model: str) -> dict[str, TensorInfo]:
    """What a model lists."""
    found = read_contents(reader.entry(model).raw_size, lambda at, size: reader.read_range(model, at, size))
    return {info.name: info for info in found.tensors}


def elements(reader: BundleReader, model: str = "model", tensor: str | None = None) -> Elements:
    """The elements of a tensor, or of the only one."""
    listed = infos(reader, model)
    return Elements(reader, model, listed[tensor] if tensor is not None else next(iter(listed.values())))


def hostile(kind: str, size: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Values of a type at random, with everything that is hard among them."""
    chance = np.random.default_rng(seed)
    dtype = np.dtype(getattr(ml_dtypes, kind, kind))
    with np.errstate(all="ignore"):
        if dtype.kind == "b":
            return chance.random(size) < 0.5
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            values = chance.integers(limits.min, limits.max, size, dtype, endpoint=True)
            values[: min(size, 3)] = (limits.min, limits.max, 0)[: min(size, 3)]
            return values
        if dtype.kind == "c":
            return (chance.normal(size=size) + 1j * chance.normal(size=size)).astype(dtype)
        real = chance.normal(size=size).astype(dtype)
        limits = ml_dtypes.finfo(dtype)
        odd = (np.nan, np.inf, -np.inf, 0.0, limits.max, limits.min, limits.smallest_subnormal)
        real[: min(size, len(odd))] = np.array(odd[:size], np.float64).astype(dtype)
        return real
