"""What a payload is, told from its content: never from a name, never by running or loading anything of it."""

from __future__ import annotations

from collections.abc import Callable

from apbundle.payload.apr.layouts import apr_layout
from apbundle.payload.archive import END_OF_DIRECTORY, LOCAL_FILE, archive_format
from apbundle.payload.byterange import ByteRange
from apbundle.payload.protobuf_formats import is_core_ml, is_saved_model
from apbundle.payload.tensors import Read
from apbundle.text import printable

HEAD_SIZE = 512
"""Bytes of ``head`` with which most formats are found without a further read."""

UNKNOWN = "unknown"
"""The format of a payload that is nothing known."""

_TITLES = {
    "apr": ".apr",
    "apr-v1": ".apr v1",
    "apr-v2": ".apr v2",
    "apr-json": ".apr (JSON container)",
    "apr-compressed": ".apr (compressed container)",
    "apr-whisper": ".apr (Whisper)",
    "apr-tsp": ".apr (TSP solver)",
    "apbundle": ".apbundle",
    "safetensors": "safetensors",
    "gguf": "GGUF",
    "npy": "NumPy array",
    "npz": "NumPy archive",
    "pytorch": "PyTorch",
    "onnx": "ONNX",
    "tflite": "TensorFlow Lite",
    "savedmodel": "TensorFlow SavedModel",
    "coreml": "Core ML",
    "keras": "Keras",
    "hdf5": "HDF5",
    "zstd": "Zstandard",
    "zip": "ZIP archive",
    "pickle": "Python pickle",
    "json": "JSON",
    UNKNOWN: "Unknown",
}

_MAGICS = (  # offset, bytes, format
    (0, b"APBUNDLE", "apbundle"),
    (0, b"GGUF", "gguf"),
    (0, b"\x93NUMPY", "npy"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", "pytorch"),  # before it used zip archives
    (4, b"TFL3", "tflite"),
)
_TAR_MEMBERS = (b"sys_info", b"pickle", b"tensors", b"storages")
_WHITESPACE = b" \t\r\n"
_PICKLE_PROTOCOLS = range(2, 6)  # the earlier ones have no mark
_PICKLE_STOP = b"."
_JSON_BRACKETS = {b"{": b"}", b"[": b"]"}
_JSON_STARTS = (*(bytes([character]) for character in b'"{[}]-0123456789'), b"true", b"false", b"null")


def detect_format(head: bytes, size: int, read: Read) -> str:
    """The format of a payload, one of the names of :func:`format_title`; ``"unknown"`` when it is none of them.

    Parameters
    ----------
    head
        The first bytes of the payload, best the first :data:`HEAD_SIZE`.
    size
        Bytes of the payload.
    read
        ``read(offset, size)`` gives other bytes of the payload. At most about 70 KiB are asked for, whatever its size.
        What it raises is passed on; the content raises nothing.
    """
    data = ByteRange(head, size, read)
    start = data.at(0, 16)
    for offset, magic, name in _MAGICS:
        if start.startswith(magic, offset):
            return name
    if start.startswith((LOCAL_FILE, END_OF_DIRECTORY)):
        return archive_format(data)
    return next((name for name, fits in _RECOGNISERS if fits(data)), UNKNOWN)


def detect_layout(head: bytes, size: int, read: Read) -> str:
    """As :func:`detect_format`, but with the layout instead of ``"apr"``: ``"apr-v1"``, ``"apr-v2"``, …"""
    found = detect_format(head, size, read)
    return apr_layout(ByteRange(head, size, read)) if found == "apr" else found


def format_title(name: str) -> str:
    """The name of a format as people write it; one this library does not know stays as it is, made printable."""
    return _TITLES.get(name) or printable(name)


def _is_apr(data: ByteRange) -> bool:
    return apr_layout(data) != ""


def _is_safetensors(data: ByteRange) -> bool:
    """A header length, then JSON. A payload that ends within its header counts: better a named error than no name."""
    from apbundle.payload.safetensors_header import LENGTH_SIZE, MAX_HEADER

    length = data.number(0, LENGTH_SIZE)
    text = data.at(LENGTH_SIZE, 64)
    if length <= min(data.size - LENGTH_SIZE, MAX_HEADER):
        text = text[:length].lstrip(_WHITESPACE)
        return text.startswith(b"{") and (text[1:].lstrip(_WHITESPACE) or b"}").startswith((b'"', b"}"))
    return length < 2**32 and text.startswith(b"{") and text[1:2] in (b'"', b"")


def _is_pytorch_tar(data: ByteRange) -> bool:
    """The first layout PyTorch had: a tar archive of a few files whose names are known."""
    return data.at(257, 5) == b"ustar" and data.at(0, 16).rstrip(b"\0") in _TAR_MEMBERS


def _is_pickle(data: ByteRange) -> bool:
    mark = data.at(0, 2)
    return len(mark) == 2 and mark[0] == 0x80 and mark[1] in _PICKLE_PROTOCOLS and _last_byte(data) == _PICKLE_STOP


def _is_onnx(data: ByteRange) -> bool:
    from apbundle.payload.onnx.model import is_onnx  # all that reads such models comes with it

    return is_onnx(data)


def _is_json(data: ByteRange) -> bool:
    """Text without control characters between a pair of brackets. Not parsed: it may be as large as it likes."""
    text = data.at(0, min(data.size, HEAD_SIZE)).lstrip(_WHITESPACE)
    if text[:1] not in _JSON_BRACKETS or any(byte < 0x20 and byte not in _WHITESPACE for byte in text):
        return False
    end = data.at(max(0, data.size - 64), 64).rstrip(_WHITESPACE)
    first = text[1:].lstrip(_WHITESPACE) or b'"'
    return end[-1:] == _JSON_BRACKETS[text[:1]] and first.startswith(_JSON_STARTS)


def _last_byte(data: ByteRange) -> bytes:
    return data.at(data.size - 1, 1)


_RECOGNISERS: tuple[tuple[str, Callable[[ByteRange], bool]], ...] = (
    ("apr", _is_apr),
    ("safetensors", _is_safetensors),
    ("pytorch", _is_pytorch_tar),
    ("pickle", _is_pickle),
    ("onnx", _is_onnx),
    ("savedmodel", is_saved_model),
    ("coreml", is_core_ml),
    ("json", _is_json),
)
