"""A bundle of models with components of every kind, none of them aligned, and what each holds."""

from __future__ import annotations

import io
import random
import struct
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from apbundle.format.compression import encode_chunk
from apbundle.payload.safetensors import serialize
from support import forge

Array = np.ndarray[Any, Any]

MIB = 1 << 20
CHUNK = 5000
Q8_0, F32 = 8, 0  # types of ggml
GGUF_ALIGNMENT = 32

_random = random.Random(7)


def noise(size: int) -> bytes:
    """Bytes that no other call gives."""
    return _random.randbytes(size)


def floats(*shape: int, dtype: Any = np.float32) -> Array:
    """An array of numbers that no other call gives."""
    return (
        np.array([_random.uniform(-9, 9) for _ in range(int(np.prod(shape)))], np.float32).astype(dtype).reshape(shape)
    )


def safetensors(arrays: dict[str, Array]) -> bytes:
    """The payload that holds ``arrays``."""
    header, buffers = serialize(arrays)
    return header + b"".join(buffers)


def gguf(tensors: dict[str, tuple[int, tuple[int, ...], bytes]]) -> bytes:
    """A GGUF payload of tensors as (type, shape, data)."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    infos = data = b""
    for name, (kind, shape, content) in tensors.items():
        dims = shape[::-1]  # the first varies fastest there
        infos += text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, len(data))
        data += content + bytes(-len(content) % GGUF_ALIGNMENT)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 1) + text("general.alignment")
    head += struct.pack("<II", 4, GGUF_ALIGNMENT) + infos
    return head + bytes(-len(head) % GGUF_ALIGNMENT) + data


def npz(arrays: dict[str, Array], *, deflated: bool) -> bytes:
    """A NumPy archive."""
    file = io.BytesIO()
    (np.savez_compressed if deflated else np.savez)(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


ARRAYS: dict[str, dict[str, Array]] = {
    "mixed": {
        "empty": np.zeros((0, 4), np.float32),
        "scalar": np.array(3.5, np.float64),
        "brain": floats(9, 7, dtype=ml_dtypes.bfloat16),
        "eight": floats(33, dtype=ml_dtypes.float8_e4m3fn),
        "matrix": floats(30, 20),
        "odd": np.frombuffer(noise(1001), np.uint8),
        "last": floats(1500),
    },
    "large": {
        "first": (np.frombuffer(noise(2 * MIB + 78), "<u2") & 0x3FFF).view(ml_dtypes.bfloat16),  # finite
        "bias": floats(10),
        "second": (np.frombuffer(noise(3 * MIB), "<u4") & 0x3FFFFFFF).view(np.float32).reshape(3, -1),
    },
    "quantised": {"blocks": np.frombuffer(noise(34 * 40), np.uint8), "norm": floats(8, 4)},
    "archive": {"matrix": floats(20, 30), "vector": np.arange(700)},
    "deflated": {"matrix": np.tile(floats(5), (40, 9)), "vector": np.arange(900)},
}
ARRAYS["compressed"] = {name: array.copy() for name, array in ARRAYS["mixed"].items()}
"""Model → component → what it is read as."""

_quantised = ARRAYS["quantised"]
PAYLOADS: dict[str, bytes] = {
    "raw": noise(12_344),
    "mixed": safetensors(ARRAYS["mixed"]),
    "nothing": b"",
    "compressed": safetensors(ARRAYS["compressed"]),
    "large": safetensors(ARRAYS["large"]),
    "quantised": gguf(
        {
            "blocks": (Q8_0, (5, 8 * 32), _quantised["blocks"].tobytes()),
            "norm": (F32, (8, 4), _quantised["norm"].tobytes()),
        }
    ),
    "archive": npz(ARRAYS["archive"], deflated=False),
    "deflated": npz(ARRAYS["deflated"], deflated=True),
}
"""Model → its raw bytes, in the bundle's order."""


def is_same(array: Array, name: str, component: str) -> bool:
    """Whether ``array`` is that component of the model ``name``, to the last bit."""
    expected = ARRAYS[name][component]
    alike = array.dtype == expected.dtype and array.shape == expected.shape
    return alike and array.tobytes() == expected.tobytes()


def pack_components(path: Path) -> Path:
    """The bundle of :data:`PAYLOADS` at ``path``; the models follow each other without padding."""
    raw = PAYLOADS["compressed"]
    frames = [encode_chunk(memoryview(raw)[begin : begin + CHUNK]) for begin in range(0, len(raw), CHUNK)]
    ends = np.cumsum([len(frame) for frame in frames]).tolist()
    index = list(PAYLOADS).index("compressed")
    table = forge.compression_section(forge.compression_row(index, len(raw), CHUNK, ends))
    stored = [(name, b"".join(frames) if name == "compressed" else data) for name, data in PAYLOADS.items()]
    path.write_bytes(forge.sealed(stored, others=[table]))
    return path
