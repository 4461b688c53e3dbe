"""GGUF payloads read as by the format's own package; long lists stay where they are; damage is a finding."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Type

from apbundle.payload.arrays import payload_arrays, tensor_array
from apbundle.payload.gguf_values import read_list
from apbundle.payload.quantised import GGML_BLOCKS, can_dequantise, dequantise
from apbundle.payload.sink import Folded
from support.payloads import Strict, contents, gguf_pair, gguf_payload, gguf_tensor, gguf_text

PLAIN = {
    "f32": np.arange(6, dtype=np.float32).reshape(2, 3),
    "f16": np.float16([[1.5, -2]]),
    "f64": np.array([np.pi]),
    "i8": np.int8([-128, 127]),
    "i16": np.int16([1, 2, 3]),
    "i32": np.int32([[[7]]]),
    "i64": np.int64([-(2**63)]),
}
REAL_BLOCKS = (
    "Q4_0",
    "Q4_1",
    "Q5_0",
    "Q5_1",
    "Q8_0",
    "Q2_K",
    "Q3_K",
    "Q4_K",
    "Q5_K",
    "Q6_K",
    "IQ4_NL",
    "IQ4_XS",
    "TQ1_0",
)


def written(
    path: Path, tensors: dict[str, Any], metadata: Any = None, *, big_endian: bool = False, **more: Any
) -> bytes:
    """What the package writes. A tensor is an array, or raw bytes of rows and their type."""
    endian = gguf.GGUFEndian.BIG if big_endian else gguf.GGUFEndian.LITTLE
    writer = gguf.GGUFWriter(path, "test", endianess=endian, **more)
    if metadata is not None:
        metadata(writer)
    for name, tensor in tensors.items():
        data, kind = tensor if isinstance(tensor, tuple) else (tensor, None)
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


def test_tensors_as_the_package_reads_them(tmp_path: Path):
    tensors: dict[str, Any] = dict(PLAIN)
    random = np.random.default_rng(2)
    blocks = {name: block for name, block in GGML_BLOCKS.items() if name in Type.__members__}  # earlier ones lack some
    for name, block in blocks.items():
        tensors[name] = random.integers(0, 256, (3, 2 * block.bytes), np.uint8), Type[name]
    content = written(tmp_path / "a.gguf", tensors)
    found = contents(content)
    assert (found.format, found.findings, found.complete) == ("gguf", (), True)
    expected = gguf.GGUFReader(tmp_path / "a.gguf").tensors
    assert len(found.tensors) == len(expected)
    for info, tensor in zip(found.tensors, expected, strict=True):
        assert (info.name, info.dtype) == (tensor.name, tensor.tensor_type.name)
        assert info.shape == tuple(int(size) for size in tensor.shape[::-1])
        assert (info.offset, info.size, info.raw_size) == (tensor.data_offset, tensor.n_bytes, tensor.n_bytes)
        array = tensor_array(info, memoryview(content)[info.offset : info.offset + info.size])
        if info.block is None:
            np.testing.assert_array_equal(array, PLAIN[info.name])
        else:
            assert array.tobytes() == tensor.data.tobytes()
    assert {info.name for info in found.tensors if info.block} == blocks.keys()
    assert payload_arrays(memoryview(content)).keys() == tensors.keys()


@pytest.mark.parametrize("name", REAL_BLOCKS)
def test_numbers_as_the_package_unpacks_them(tmp_path: Path, name: str):
    kind = Type[name]
    try:
        data = gguf.quants.quantize(np.random.default_rng(3).normal(size=(4, 512)).astype(np.float32), kind)
    except NotImplementedError:  # it only unpacks these
        data = np.random.default_rng(4).integers(
            0, 60, (4, 512 // GGML_BLOCKS[name].elements * GGML_BLOCKS[name].bytes), np.uint8
        )
    content = written(tmp_path / "a.gguf", {"x": (data, kind)})
    (info,) = contents(content).tensors
    assert can_dequantise(info)
    numbers = dequantise(info, content[info.offset : info.offset + info.size])
    assert (numbers.shape, numbers.dtype) == ((4, 512), np.float32)
    np.testing.assert_array_equal(numbers, gguf.quants.dequantize(data, kind))


def test_types_that_are_not_unpacked(tmp_path: Path):
    content = written(tmp_path / "a.gguf", {"x": (np.zeros((1, 292), np.uint8), Type.Q8_K), "y": np.zeros(1)})
    assert [can_dequantise(info) for info in contents(content).tensors] == [False, False]


def some_metadata(writer: Any) -> None:
    writer.add_string("text", "hé\0\n")
    writer.add_uint8("u8", 255)
    writer.add_int8("i8", -1)
    writer.add_uint16("u16", 65535)
    writer.add_int16("i16", -2)
    writer.add_uint32("u32", 2**32 - 1)
    writer.add_int32("i32", -3)
    writer.add_uint64("u64", 2**64 - 1)
    writer.add_int64("i64", -4)
    writer.add_float32("f32", 0.5)
    writer.add_float64("f64", 1e300)
    writer.add_bool("yes", True)
    writer.add_array("numbers", list(range(10_000)))
    writer.add_array("words", [f"word {number}" for number in range(10_000)])
    writer.add_array("flags", [True, False])


@pytest.mark.parametrize("big_endian", [False, True])
def test_metadata_as_the_package_reads_it(tmp_path: Path, big_endian: bool):
    content = written(tmp_path / "a.gguf", {"x": np.float32([1, 2])}, some_metadata, big_endian=big_endian)
    found = contents(content)
    assert found.findings == ()
    assert dict(found.facts)["byte order"] == ("big-endian" if big_endian else "little-endian")
    reader = gguf.GGUFReader(tmp_path / "a.gguf")
    for key, value in found.metadata:
        expected = reader.get_field(key).contents()
        if not isinstance(value, Folded):
            assert value == expected
            continue
        assert (value.count, list(value.first)) == (len(expected), expected[:8])
        items = read_list(value, Strict(content), len(content), 3, big_endian=big_endian)
        assert list(items) == expected[3:]
    (info,) = found.tensors
    assert payload_arrays(memoryview(content))["x"].tolist() == [1, 2]
    assert info.dtype == (">F32" if big_endian else "F32")


def test_a_large_vocabulary_is_not_loaded(tmp_path: Path):
    words = [f"word {number}" for number in range(150_000)] + ["x" * 400_000]

    def metadata(writer: Any) -> None:
        writer.add_array("words", words)
        writer.add_array("scores", [float(number) for number in range(150_000)])
        writer.add_string("template", "é" * 200_000)

    content = written(tmp_path / "a.gguf", {"x": np.float32([1])}, metadata)
    found = contents(content)
    values = dict(found.metadata)
    folded, scores, template = values["words"], values["scores"], values["template"]
    assert isinstance(folded, Folded)
    assert isinstance(scores, Folded)
    assert isinstance(template, Folded)
    assert (folded.kind, folded.count, folded.first) == ("string", 150_001, tuple(words[:8]))
    assert (scores.kind, scores.count, scores.size) == ("f32", 150_000, 600_000)
    assert (template.kind, template.count, template.first) == ("text", 400_000, ("é" * 128,))
    tail = list(read_list(folded, Strict(content), len(content), 149_999))
    assert tail == [words[149_999], "x" * 256]
    with pytest.raises(ValueError, match="no elements"):
        next(read_list(template, Strict(content), len(content)))


def nested(depth: int) -> bytes:
    return struct.pack("<IQ", 9, 1) * (depth - 1) + struct.pack("<IQ", 0, 2) + b"\1\2"


ALIGNMENT = b"general.alignment"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gguf_payload([gguf_pair(ALIGNMENT, 4, struct.pack("<I", 0))], []), "not a power of two"),
        (gguf_payload([gguf_pair(ALIGNMENT, 4, struct.pack("<I", 48))], []), "not a power of two"),
        (gguf_payload([gguf_pair(ALIGNMENT, 8, gguf_text(b"32"))], []), "not a power of two"),
        (gguf_payload([], [gguf_tensor(b"x", [1], 0, 4)], bytes(8)), "not aligned"),
        (gguf_payload([], [gguf_tensor(b"x", [2], 0, 0)], bytes(4)), "past the end"),
        (gguf_payload([], [gguf_tensor(b"x", [2], 0, 2**62)], bytes(4)), "past the end"),
        (
            gguf_payload([], [gguf_tensor(b"x", [16], 0, 0), gguf_tensor(b"y", [1], 0, 32)], bytes(64)),
            "into the data of others",
        ),
        (gguf_payload([], [gguf_tensor(b"x", [1], 0, 0)] * 2, bytes(4)), "two tensors are named 'x'"),
        (gguf_payload([], [gguf_tensor(b"x", [33], 2, 0)], bytes(36)), "do not divide"),
        (gguf_payload([], [gguf_tensor(b"x", [1], 4, 0)], bytes(4)), "type 4, whose size is not known"),
        (gguf_payload([], [gguf_tensor(b"x", [32], 9, 0)], bytes(40)), "type 9, whose size is not known"),
        (gguf_payload([], [gguf_tensor(b"x", [1] * 5, 0, 0)], bytes(4)), "5 dimensions"),
    ],
)
def test_what_is_wrong_is_said_and_tensors_are_listed(content: bytes, words: str):
    found = contents(content)
    assert found.complete
    assert any(words in finding.message for finding in found.findings), found.findings


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version 1 is not read"),
        (b"GGUF" + struct.pack("<IQQ", 4, 0, 0), "version 4 is not read"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1, 2**62), "have room"),
        (b"GGUF" + struct.pack("<IQQ", 3, 2**62, 0), "have room"),
        (gguf_payload([gguf_pair(b"k", 13, b"\0")], []), "unknown type 13"),
        (gguf_payload([gguf_pair(b"k", 9, struct.pack("<IQ", 13, 1) + b"\0")], []), "unknown type 13"),
        (gguf_payload([gguf_pair(b"k", 9, struct.pack("<IQ", 8, 2**60))], []), "more than 4,000,000"),
        (gguf_payload([gguf_pair(b"k", 9, struct.pack("<IQ", 8, 99))], []), "ends early"),
        (gguf_payload([gguf_pair(b"k", 9, struct.pack("<IQ", 12, 2**60))], []), "ends early"),
        (gguf_payload([gguf_pair(b"k", 9, struct.pack("<IQ", 0, 2**64 - 1))], []), "ends early"),
        (gguf_payload([gguf_pair(b"k", 9, nested(5))], []), "nested deeper"),
        (gguf_payload([gguf_pair(b"k", 8, struct.pack("<Q", 2**63))], []), "ends early"),
        (gguf_payload([struct.pack("<Q", 70_000) + bytes(70_100)], []), "a key of 70,000 bytes"),
        (gguf_payload([], [gguf_tensor(b"x", [1] * 33, 0, 0)]), "33 dimensions"),
        (gguf_payload([], [gguf_text(b"x") + struct.pack("<I", 2**32 - 1)], bytes(40)), "ends early"),
        (gguf_payload([], [gguf_tensor(b"x", [2**40, 2**40], 0, 0)]), "63 bits"),
    ],
)
def test_where_reading_ends(content: bytes, words: str):
    found = contents(content, "gguf")
    assert not found.complete
    assert words in found.findings[-1].message


def test_lists_of_lists():
    found = contents(gguf_payload([gguf_pair(b"k", 9, nested(4)), gguf_pair(b"after", 0, b"\7")], []))
    assert found.metadata[1] == ("after", 7)
    value = found.metadata[0][1]
    assert isinstance(value, Folded)
    assert (value.kind, value.count, value.first) == ("list", 1, ())


def test_a_split_model_says_which_part_it_is():
    pairs = [gguf_pair(b"split.no", 2, b"\1\0"), gguf_pair(b"split.count", 2, b"\3\0")]
    assert dict(contents(gguf_payload(pairs, [])).facts)["part"] == "2 of 3"


def test_the_hostile_corpus(malformed: Path):
    content = (malformed / "P8.apbundle").read_bytes()[62:]
    assert "have room" in contents(content).findings[-1].message
