"""Formats are told from content alone, with few bytes read, and nothing a file says can raise."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from apbundle.payload.detect import HEAD_SIZE, detect_format, detect_layout, format_title
from support.wire import field, varint

MOST_READ = 72 << 10


class Payload:
    """Bytes of a payload, some of which exist: the rest are zeros, however many. Counts what is read."""

    def __init__(self, *pieces: tuple[int, bytes], size: int) -> None:
        self.pieces = pieces
        self.size = size
        self.bytes_read = 0

    def read(self, offset: int, size: int) -> bytes:
        assert 0 <= offset < offset + size <= self.size
        self.bytes_read += size
        data = bytearray(size)
        for start, piece in self.pieces:
            low, high = max(start, offset), min(start + len(piece), offset + size)
            if low < high:
                data[low - offset : high - offset] = piece[low - start : high - start]
        return bytes(data)

    def layout(self, head_size: int = HEAD_SIZE) -> str:
        head_size = min(head_size, self.size)
        head = self.read(0, head_size) if head_size else b""
        self.bytes_read = 0
        found = detect_layout(head, self.size, self.read)
        assert self.bytes_read <= MOST_READ
        return found


def layout(content: bytes) -> str:
    """The layout of ``content``, the same however much of it is given at once."""
    found = {Payload((0, content), size=len(content)).layout(head_size) for head_size in (0, 1, 16, HEAD_SIZE, 1 << 20)}
    assert len(found) == 1, found
    (name,) = found
    expected = "apr" if name.startswith("apr-") else name
    assert detect_format(content, len(content), lambda offset, size: content[offset : offset + size]) == expected
    return name


def zipped(*names: str, comment: bytes = b"", size: int = 10) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.comment = comment
        for name in names:
            archive.writestr(name, bytes(size))
    return stream.getvalue()


def saved(save: object, *arguments: object, **more: object) -> bytes:
    stream = io.BytesIO()
    save(stream, *arguments, **more)  # type: ignore[operator]
    return stream.getvalue()


GRAPH = field(1, b"node") + field(2, b"graph") + field(5, bytes(300)) + field(11, b"") + field(12, b"")
ONNX = field(1, 8) + field(2, b"pytorch") + field(3, b"2.3") + field(7, GRAPH) + field(8, field(2, 17))
CORE_ML = field(500, b"network") + field(10, 1)
APR2 = b"APR\0" + bytes([2, 0]) + bytes(34)
APR_HEADER = bytes(20)


def apr_v2(magic: bytes) -> bytes:
    start = magic + APR2[4:40]
    return start + struct.pack("<I", zlib.crc32(APR_HEADER, zlib.crc32(start))) + APR_HEADER + bytes(64)


KNOWN = {
    "safetensors": [
        safetensors.numpy.save({"x": np.zeros(3)}),
        safetensors.numpy.save({}),
        (4).to_bytes(8, "little") + b" {} ",
        (3).to_bytes(8, "little") + b'{ "',
        (1 << 20).to_bytes(8, "little") + b'{"__metadata__"',  # half a download
        (100_000_001).to_bytes(8, "little") + b"{",
    ],
    "gguf": [b"GGUF" + struct.pack("<IQQ", 3, 1, 1)],
    "npy": [saved(np.save, np.arange(3))],
    "npz": [
        saved(np.savez, a=np.arange(3), b=np.zeros(2)),
        saved(np.savez_compressed, np.arange(3)),
        zipped(*(f"{i}.npy" for i in range(2000))),
        zipped("a.npy", comment=b"c" * 0xFFFF),
        zipped("a.npy")[:40],
    ],
    "pytorch": [
        zipped("archive/data.pkl", "archive/data/0", "archive/version"),
        zipped("root/data/0", "root/code/x.py", "root/data.pkl"),
        zipped("root/data.pkl", *(f"root/data/{i}" for i in range(2000))),
        zipped(*(f"root/data/{i}" for i in range(2000)), "root/data.pkl"),
        zipped("archive/data.pkl", "archive/data/0")[:60],
        pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2),
        b"sys_info".ljust(257, b"\0") + b"ustar  \0",
    ],
    "keras": [zipped("metadata.json", "config.json", "model.weights.h5")],
    "zip": [zipped("a.txt", "b.npy"), zipped(), zipped("data.pkl"), b"PK\x03\x04", b"PK\x05\x06"],
    "onnx": [
        ONNX,
        field(7, GRAPH) + field(1, 3),
        field(7, b"") + field(8, b""),
        ONNX + b"".join(field(14, bytes(3)) for _ in range(500)),
    ],
    "savedmodel": [field(1, 1) + field(2, field(1, b"\x0a\0") + field(2, b"graph") + field(3, b"saver"))],
    "coreml": [field(1, 6) + field(2, b"description") + field(502, b"program"), field(1, 1) + field(2, b"") + CORE_ML],
    "tflite": [b"\x1c\0\0\0TFL3" + bytes(30)],
    "hdf5": [b"\x89HDF\r\n\x1a\n" + bytes(30)],
    "zstd": [b"\x28\xb5\x2f\xfd\x04\0"],
    "pickle": [pickle.dumps({"a": 1}, protocol) for protocol in (2, 3, 4, 5)],
    "json": [b"{}", b"[]", b' {"a": 1}\n', b"[1]", b"[true]", json.dumps(["é"] * 1000, indent=1).encode()],
    "apbundle": [b"APBUNDLE" + bytes(12)],
    "apr-v1": [b"APRN" + bytes(32)],
    "apr-v2": [apr_v2(b"APR\0"), apr_v2(b"APR2"), APR2 + bytes(24)],
    "apr-json": [b"APR1" + struct.pack("<I", 2) + b"{}" + bytes(10)],
    "apr-whisper": [b"APR1" + struct.pack("<H", 1) + bytes(46)],
    "apr-tsp": [b"APR\0" + struct.pack("<II", 1, 0x54535000) + bytes(65)],
    "apr-compressed": [
        b"APR2\x02" + struct.pack("<I", 99) + b"\x28\xb5\x2f\xfd" + bytes(60),
        b"APR\0\x01" + struct.pack("<II", 99, 99) + b"LZ4",
    ],
    "unknown": [
        b"",
        b"\0",
        bytes(100),
        b"APR",
        b"APRN",
        b"APRT" + bytes(60),
        b"APR1 is not the only text that begins like this.",
        b"APR\0",
        b"APR2\x02" + bytes(30),
        b"ALDF" + bytes(60),
        b"PK",
        b"readme.txt".ljust(257, b"\0") + b"ustar  \0",
        b"plain text\n",
        b"[section]\nkey = [1, 2]\n",
        b"[training]\nkey = [1, 2]\n",
        b"{curly}",
        b"{\0}",
        b"{",
        b"\x80\x04 no stop",
        b"\x80\x09.",
        (20).to_bytes(8, "little") + b"{x" + bytes(30),
        (20).to_bytes(8, "little") + b"[]" + bytes(30),
        field(1, 8),  # a version is no model
        field(1, 8) + field(2, b"x" * 9),
        field(7, GRAPH),  # nor is a graph alone
        ONNX + b"\0",
        ONNX[:-1],
        ONNX + field(99, b""),
        field(1, b"8") + field(7, GRAPH),
        field(1, 8) + field(7, b"\xff" * 30),
        field(1, 8) + field(7, field(3, 1)),
        field(1, 1) + field(2, b"graph"),  # a graph begins with what it is
        field(1, 2) + field(2, field(1, b"")),
        field(1, 1) + field(2, b"description"),
        field(1, 1) + field(2, b"description") + CORE_ML + CORE_ML.replace(b"\xa2", b"\xaa"),
        field(1, 1) + field(2, b"description") + CORE_ML + field(7, 1),
        b"\xff" * 40,
        b"\x08" + b"\xff" * 11,
    ],
}


@pytest.mark.parametrize(("name", "number"), [(name, number) for name in KNOWN for number in range(len(KNOWN[name]))])
def test_known_by_content(name: str, number: int):
    assert layout(KNOWN[name][number]) == name


@pytest.mark.parametrize("name", [name for name in KNOWN if name not in ("unknown", "zip", "json", "pickle", "onnx")])
def test_every_prefix_has_an_answer(name: str):
    content = KNOWN[name][0]
    for size in range(min(len(content), 600)):
        assert layout(content[:size]) in KNOWN


def test_few_bytes_are_read_of_the_largest():
    size = 1 << 45
    start = field(1, 8) + b"\x3a" + varint(size - 10 - 11)
    models = [
        (Payload((0, start + GRAPH), (size - 11, field(8, bytes(9))), size=size), "onnx"),
        (Payload((0, (1 << 20).to_bytes(8, "little") + b'{"a":'), size=size), "safetensors"),
        (Payload((0, b"PK\x03\x04"), size=size), "zip"),
        (Payload((0, b'{"a":' + b" " * HEAD_SIZE), (size - 2, b"]}"), size=size), "json"),
        (Payload((0, b"\x80\x04"), (size - 1, b"."), size=size), "pickle"),
        (Payload((0, b"x"), size=size), "unknown"),
    ]
    for payload, name in models:
        assert payload.layout() == name


def test_the_directory_of_a_large_archive():
    """A zip64 archive of 8 GiB with more names than the tail holds, which begins with the weights."""
    size = 8 << 30
    names = [f"model/data/{number}".encode() for number in range(5000)]
    for place in (0, 3, 4999):
        names[place], kept = b"model/data.pkl", names[place]
        entries = [struct.pack("<4s24xHHH12x", b"PK\x01\x02", len(name), 4, 2) + name + bytes(6) for name in names]
        directory = b"".join(entries)
        start = size - len(directory) - 98
        end64 = struct.pack("<4s36xQQ", b"PK\x06\x06", len(directory), start)
        locator = struct.pack("<4s4xQ4x", b"PK\x06\x07", start + len(directory))
        end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
        tail = directory + end64 + locator + end
        payload = Payload((0, b"PK\x03\x04"), (size - len(tail), tail), size=size)
        assert payload.layout() == "pytorch"
        names[place] = kept


@given(st.sampled_from([content for contents in KNOWN.values() for content in contents]), st.data())
def test_nothing_in_a_file_raises(content: bytes, data: st.DataObject):
    damaged = bytearray(content[:4096])
    for _ in range(data.draw(st.integers(0, 4))):
        if damaged:
            place = data.draw(st.integers(0, len(damaged) - 1))
            damaged[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    assert layout(bytes(damaged[:cut])) in KNOWN


@given(st.binary(max_size=200))
def test_no_bytes_raise(content: bytes):
    for start in (b"", b"PK\x03\x04", b"APR1", b"APR2", b"APR\0", b"\x80\x02", bytes(8), b"\x08\x08\x3a"):
        assert layout(start + content) in KNOWN


def test_what_reading_raises_is_passed_on():
    def fail(offset: int, size: int) -> bytes:
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        detect_format(b"PK\x03\x04", 100_000, fail)


@pytest.mark.parametrize(
    ("name", "title"),
    [("safetensors", "safetensors"), ("onnx", "ONNX"), ("pytorch", "PyTorch"), ("apr-v2", ".apr v2"), ("gguf", "GGUF")],
)
def test_titles(name: str, title: str):
    assert format_title(name) == title


def test_every_format_has_a_title_and_unknown_names_stay_safe():
    assert all(format_title(name).isprintable() and format_title(name) for name in KNOWN)
    assert format_title("future\x1b[2J") == "future\\x1b[2J"


@pytest.mark.parametrize(
    ("case", "name"), [("P1", "safetensors"), ("P3", "safetensors"), ("P4", "safetensors"), ("P8", "gguf")]
)
def test_hostile_payloads_are_named(malformed: Path, case: str, name: str):
    assert layout((malformed / f"{case}.apbundle").read_bytes()[62:]) == name
