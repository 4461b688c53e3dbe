"""The same weights in other file formats, so that the sample shows how each of them looks inside a bundle."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

Weights = Mapping[str, NDArray[np.floating]]

THIRD_PARTY = Path(__file__).resolve().parent / "third_party"


def npy(array: NDArray[np.generic]) -> bytes:
    """``array`` as a NumPy file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def quantised_gguf(weights: Weights, name: str, fields: Mapping[str, int | str]) -> bytes:
    """``weights`` as a GGUF file: matrices in 8-bit blocks of 32 (Q8_0), vectors in single precision."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.gguf"
        writer = gguf.GGUFWriter(path, name)
        writer.add_name(name)
        for key, value in fields.items():
            if isinstance(value, int):
                writer.add_uint32(f"{name}.{key}", value)
            else:
                writer.add_string(f"{name}.{key}", value)
        for key, array in weights.items():
            kind = gguf.GGMLQuantizationType.F32 if array.ndim == 1 else gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(key, gguf.quantize(array.astype(np.float32), kind), raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path.read_bytes()


def onnx(weights: Weights, name: str) -> bytes:
    """Dense layers with tanh between them as an ONNX file: ``logits = network(x)`` for a batch ``x``.

    The few protocol-buffer messages this takes are written directly; their field numbers are those of ONNX's schema.
    """
    depth = len(weights) // 2
    nodes, tensor = b"", "x"
    for number in range(depth):
        result = "logits" if number == depth - 1 else f"sum{number}"
        operands = [tensor, f"layers.{number}.weight", f"layers.{number}.bias"]
        transposed = _text(1, "transB") + _number(3, 1) + _number(20, 2)
        nodes += _message(1, _node("Gemm", operands, result) + _message(5, transposed))
        tensor = result
        if result != "logits":
            tensor = f"hidden{number}"
            nodes += _message(1, _node("Tanh", [result], tensor))
    initialisers = b"".join(_message(5, _tensor(key, array)) for key, array in weights.items())
    ends = _message(11, _value("x", weights["layers.0.weight"].shape[1]))
    ends += _message(12, _value("logits", len(weights[f"layers.{depth - 1}.bias"])))
    graph = nodes + _text(2, name) + initialisers + ends
    return _number(1, 8) + _text(2, "apbundle sample") + _message(7, graph) + _message(8, _number(2, 17))


def _node(operation: str, inputs: list[str], output: str) -> bytes:
    return b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(4, operation)


def _tensor(name: str, array: NDArray[np.floating]) -> bytes:
    shape = b"".join(_number(1, size) for size in array.shape)
    return shape + _number(2, 1) + _text(8, name) + _message(9, array.astype("<f4").tobytes())


def _value(name: str, width: int) -> bytes:
    shape = _message(1, _text(2, "batch")) + _message(1, _number(1, width))
    return _text(1, name) + _message(2, _message(1, _number(1, 1) + _message(2, shape)))


def _varint(value: int) -> bytes:
    digits = []
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())
