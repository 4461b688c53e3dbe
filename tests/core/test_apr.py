"""The layouts behind the .apr magics, byte for byte as they are described; what is wrong in them is a finding."""

from __future__ import annotations

import json
import struct
import zlib

import numpy as np
import pytest

from apbundle.payload.arrays import payload_arrays, tensor_array
from apbundle.payload.msgpack import read_msgpack
from apbundle.payload.quantised import can_dequantise, dequantise
from apbundle.payload.sink import Folded
from apbundle.payload.tensors import PayloadError
from support.payloads import apr_json, apr_tsp, apr_v1, apr_v2, apr_whisper, contents, msgpack, with_crc

WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)
ONE = [("weight", 0, (2, 3), WEIGHT.tobytes())]
KEYS = (
    *("name", "description", "author", "license", "data_source", "data_license", "version", "source"),
    *("original_format", "created_at", "quantization", "sharding", "chat_template", "chat_format", "special_tokens"),
    *("architecture", "hf_architecture", "hf_model_type", "hidden_size", "num_layers", "num_heads", "num_kv_heads"),
    *("vocab_size", "intermediate_size", "max_position_embeddings", "rope_theta", "rope_type", "rms_norm_eps"),
    *("head_dim", "num_experts", "num_experts_per_tok", "moe_intermediate_size"),
)
TODAY = {"model_type": "test", "license": None, "data_source": None, "data_license": None, "total_size": 24}
TODAY |= {"param_count": 6, "architecture": "llama", "quantization": {"quant_type": "none", "bits": 32}}
EARLIER = {"model_type": "test", **dict.fromkeys(KEYS), "total_size": 24, "param_count": 6}


def padded_to(metadata: dict[str, object], size: int) -> dict[str, object]:
    """The metadata with a text that makes its JSON ``size`` bytes long."""
    metadata = metadata | {"description": ""}
    short = len(json.dumps(metadata, separators=(",", ":")))
    return metadata | {"description": "x" * (size - short)}


@pytest.mark.parametrize(("metadata", "json_size", "size"), [(TODAY, 300, 516), (EARLIER, 850, 1092)])
def test_the_two_sizes_of_a_tiny_model(metadata: dict[str, object], json_size: int, size: int):
    """Writers of today leave out empty keys, earlier ones wrote them all: 516 and 1,092 bytes for the same model."""
    content = apr_v2(ONE, padded_to(metadata, json_size))
    assert len(content) == size
    found = contents(content)
    assert (found.format, found.layout, found.findings, found.complete) == ("apr", "apr-v2", (), True)
    (info,) = found.tensors
    assert (info.name, info.dtype, info.shape, info.size) == ("weight", "F32", (2, 3), 24)
    assert content[info.offset : info.offset + info.size] == WEIGHT.tobytes()
    assert info.offset == size - 4 - 64
    values = dict(found.metadata)
    assert values["model_type"] == "test"
    assert values["license"] is None
    assert values["param_count"] == 6
    assert dict(found.facts) == {
        "version": "2.0",
        "flags": "row-major",
        "data offset": info.offset,
        "header checksum": "correct",
        "checksum": "correct",
    }
    np.testing.assert_array_equal(payload_arrays(memoryview(content))["weight"], WEIGHT)


def test_the_bytes_of_the_smallest_model():
    """All numbers of the header at the places they are described at."""
    content = apr_v2([("w", 0, (1,), b"\0\0\x80\x3f")], b"{}")
    assert content[:44] == bytes.fromhex(
        "41505200 02 00 0004 01000000 4000000000000000 02000000 8000000000000000 c000000000000000"
    ) + struct.pack("<I", zlib.crc32(bytes(20), zlib.crc32(content[:40])))
    assert content[128:157] == bytes.fromhex("0100 77 00 01 0100000000000000 0000000000000000 0400000000000000")
    assert [(info.name, info.offset, info.size) for info in contents(content).tensors] == [("w", 192, 4)]
    assert len(content) == 260


def test_nested_metadata_becomes_dotted_keys():
    nested = {"bits": 4, "extra": {"deep": {"er": {"est": {"x": 1}}}}}
    content = apr_v2([], {"quantization": nested, "list": [1, "a", {}]})
    assert dict(contents(content).metadata) == {
        "quantization.bits": 4,
        "quantization.extra.deep.er.est": Folded("object", 1, ("x: 1",), content.index(b'{"bits"')),
        "list": Folded("list", 3, (1, "a", "{}"), content.index(b"[1,")),
    }


def test_a_key_that_comes_twice_is_there_twice():
    found = contents(apr_v2(ONE, b'{"a":1,"a":{"b":2,"b":3}}'))
    assert found.metadata == (("a", 1), ("a", Folded("object", 2, ("b: 2", "b: 3"), 75, 13)))
    assert len(found.tensors) == 1


def test_a_vocabulary_is_folded():
    words = [f"word{number}" for number in range(100_000)]
    content = apr_v2(ONE, {"tokenizer.vocabulary": words, "merges": {word: [1, 2] for word in words}, "after": 1})
    values = dict(contents(content).metadata)
    vocabulary, merges = values["tokenizer.vocabulary"], values["merges"]
    assert isinstance(vocabulary, Folded)
    assert isinstance(merges, Folded)
    assert (vocabulary.kind, vocabulary.count, vocabulary.first[:2]) == ("list", 100_000, ("word0", "word1"))
    assert (merges.kind, merges.count, merges.first[0]) == ("object", 100_000, "word0: [1, 2]")
    assert vocabulary.offset is not None
    assert vocabulary.size is not None
    assert json.loads(content[vocabulary.offset : vocabulary.offset + vocabulary.size]) == words
    assert values["after"] == 1


@pytest.mark.parametrize("deep", [b"[%s]", b'{"k":%s}'])
def test_nesting_just_as_deep_as_can_be_read(deep: bytes):
    opening, closing = deep.split(b"%s")
    for depth in range(1, 1100, 9):
        found = contents(apr_v2(ONE, b'{"k":' + opening * depth + b"1" + closing * depth + b"}"))
        assert found.findings or found.metadata
        assert len(found.tensors) == 1


BLOCKS = np.random.default_rng(1).integers(0, 256, 1 << 12, np.uint8).tobytes()


@pytest.mark.parametrize(
    ("code", "shape", "size", "dtype"),
    [
        (0, (3,), 12, "F32"),
        (1, (3,), 6, "F16"),
        (2, (32,), 64, "BF16"),
        (2, (32,), 18, "Q4_0"),
        (3, (32,), 256, "F64"),
        (3, (32,), 20, "Q4_1"),
        (4, (2, 2), 16, "I32"),
        (5, (2,), 16, "I64"),
        (6, (32,), 32, "I8"),
        (6, (32,), 22, "Q5_0"),
        (7, (32,), 32, "U8"),
        (7, (32,), 24, "Q5_1"),
        (8, (33,), 36, "AprQ4"),
        (8, (64,), 68, "Q8_0"),
        (9, (5,), 9, "AprQ8"),
        (12, (512,), 288, "Q4_K"),
        (12, (2, 128), 288, "Q4_K"),  # each row filled up to a block
        (14, (256,), 210, "Q6_K"),
        (30, (), 2, "BF16"),
        (128, (32,), 18, "AprQ4"),
        (129, (0,), 0, "AprQ8"),
        (129, (7,), 11, "AprQ8"),
        (2, (32,), 63, "apr type 2"),
        (77, (32,), 64, "apr type 77"),
        (0, (2**40, 2**40), 12, "apr type 0"),
    ],
)
def test_the_stored_size_decides_what_a_code_means(code: int, shape: tuple[int, ...], size: int, dtype: str):
    found = contents(apr_v2([("x", code, shape, BLOCKS[:size])], {}))
    (info,) = found.tensors
    assert (info.dtype, info.shape, info.size) == (dtype, shape, size)
    assert bool(found.findings) == dtype.startswith("apr type")
    assert tensor_array(info, memoryview(BLOCKS[:size])).nbytes == size


def test_the_quantised_numbers_of_apr():
    values = np.array([-8, 7, 0, 1] * 8 + [3], np.float32)
    nibbles = [(int(v) + 8) & 15 for v in [*values, *[-8] * 31]]
    packed = bytes(nibbles[i] | nibbles[i + 1] << 4 for i in range(0, 64, 2))
    scale = np.float16(0.5).tobytes()
    four = scale + packed[:16] + scale + packed[16:]
    eight = np.float32(0.25).tobytes() + np.int8([-127, 0, 127]).tobytes()
    found = contents(apr_v2([("four", 128, (33,), four), ("eight", 129, (3,), eight)], {}))
    infos = {info.name: info for info in found.tensors}
    assert all(can_dequantise(info) for info in infos.values())
    np.testing.assert_array_equal(dequantise(infos["four"], four), values / 2)
    np.testing.assert_array_equal(dequantise(infos["eight"], eight), np.float32([-31.75, 0, 31.75]))
    with pytest.raises(PayloadError, match="its shape takes 36"):
        dequantise(infos["four"], four[:-1])


def changed(content: bytes, offset: int, data: bytes) -> bytes:
    return content[:offset] + data + content[offset + len(data) :]


TWO = [("a", 0, (1,), b"abcd"), ("b", 0, (1,), b"efgh")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (changed(apr_v2(ONE, {}), 40, b"\0\0\0\0"), "checksum of the header"),
        (changed(apr_v2(ONE, {}), -70, b"x"), "checksum of the payload"),
        (apr_v2(TWO[::-1], {}, sort=False), "not sorted by name"),
        (apr_v2(ONE, {}, flags=0x0C00), "column-major"),
        (apr_v2(ONE, b"{,}"), "metadata is not JSON"),
        (apr_v2(ONE, b"[]"), "not an object"),
        (apr_v2(ONE, b'{"a":"\xff"}'), "not UTF-8"),
        (apr_v2(ONE, {})[:-70], "1 tensor reaches past the end"),
        (apr_v2([("a", 0, (1,), b"abcd")], {}).replace(b"\4\0\0\0\0\0\0\0\0", b"\3\0\0\0\0\0\0\0\0"), "no meaning"),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_is_listed(content: bytes, words: str):
    found = contents(content)
    assert found.layout == "apr-v2"
    assert any(words in finding.message for finding in found.findings), found.findings
    assert found.complete
    assert len(found.tensors) >= 1


def test_an_index_that_cannot_be_there():
    content = apr_v2(ONE, {})
    for count in (2**32 - 1, 1000):
        found = contents(changed(content, 8, struct.pack("<I", count)))
        assert not found.complete
        assert "have room" in found.findings[-1].message
    for offset in (2**64 - 1, 2**63, len(content) + 1):
        assert not contents(changed(content, 24, struct.pack("<Q", offset))).complete
        assert contents(changed(content, 32, struct.pack("<Q", offset))).findings


def test_a_body_compressed_as_a_whole():
    header = apr_v2([], {}, flags=0x0402)[:64]
    found = contents(header + b"\x28\xb5\x2f\xfd" + bytes(100))
    assert "compressed" in found.findings[-1].message
    assert contents(apr_v2(ONE, {}, flags=0x0402)).complete  # writers set the flag and do not compress


V1_METADATA = {"created_at": "1764278947", "aprender_version": "0.11.0"}


def test_version_1():
    metadata = msgpack(V1_METADATA)
    assert len(metadata) == 47
    content = apr_v1(metadata, b"model", flags=2 | 0x20, model=0x40, compression=1)
    found = contents(content)
    assert (found.layout, found.findings, len(found.tensors)) == ("apr-v1", (), 0)
    assert found.metadata == tuple(V1_METADATA.items())
    facts = dict(found.facts)
    assert facts["model"] == "mixture of experts"
    assert facts["flags"] == "signed, quantized"
    assert facts["signed with the key"] == bytes(range(32)).hex()
    assert (facts["compression"], facts["quality"], facts["checksum"]) == ("Zstandard level 3", 87, "correct")
    with pytest.raises(PayloadError, match=r"looks like \.apr"):
        payload_arrays(memoryview(content))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (apr_v1(msgpack({}), b"x", model=0x99), "unknown type 0x0099"),
        (apr_v1(msgpack({}), b"x", compression=9), "unknown way 9"),
        (apr_v1(msgpack({}), b"x") + b"y", "the payload has"),
        (apr_v1(b"\x81", b"x"), "ends early"),
        (apr_v1(b"\x80\x80", b"x"), "follow the metadata"),
        (apr_v1(b"\xc1", b"x"), "begins no value"),
        (apr_v1(b"\x91" * 100, b"x"), "too deep"),
        (apr_v1(b"\xdf\xff\xff\xff\xff", b"x"), "ends early"),
        (changed(apr_v1(msgpack({}), b"x"), 4, b"\2"), "not known"),
        (changed(apr_v1(msgpack({}), b"x"), 8, b"\xff\xff"), "claims"),
        (apr_v1(msgpack([0] * 70_000), b"x"), ""),
    ],
)
def test_version_1_broken(content: bytes, words: str):
    found = contents(content)
    assert any(words in finding.message for finding in found.findings) or not words, found.findings


def test_every_form_of_messagepack():
    values = {
        "numbers": [0, 127, 128, 255, 256, 65535, 65536, 2**32, 2**64 - 1],
        "negative": [-1, -32, -33, -128, -129, -32768, -32769, -(2**31), -(2**31) - 1, -(2**63)],
        "floats": [1.5, float("inf")],
        "texts": ["", "x" * 31, "x" * 32, "é" * 200, "x" * 70_000],
        "bytes": [b"abc", b"x" * 300, b"x" * 70_000],
        "constants": [None, True, False],
        "lists": [[[]], list(range(16)), [1] * 70_000],
        "map": {str(number): number for number in range(20)},
    }
    expected = values | {"bytes": ["<3 bytes>", "<300 bytes>", "<70,000 bytes>"]}
    assert read_msgpack(msgpack(values), 0) == expected
    extensions = b"\x95\xd4\1x\xd8\1" + bytes(16) + b"\xc7\3\1abc\xca\x3f\x80\0\0\x81\1\2"
    assert read_msgpack(extensions, 0) == ["<2 bytes>", "<17 bytes>", "<4 bytes>", 1.0, {"1": 2}]


def test_the_json_container():
    content = apr_json([("b", (2,), b"abcdefgh"), ("a", (), b"ijkl")], {"k": {"v": 1}})
    found = contents(content)
    assert (found.layout, found.findings, found.metadata) == ("apr-json", (), (("k.v", 1),))
    assert [content[info.offset :][: info.size] for info in found.tensors] == [b"abcdefgh", b"ijkl"]
    assert payload_arrays(memoryview(content))["b"].shape == (2,)
    assert contents(content[:-5]).findings
    wrong = with_crc(content[:-4].replace(b'"shape": [2]', b'"shape": [3]'))
    assert "do not explain" in contents(wrong).findings[0].message
    assert not contents(content.replace(b'"dtype"', b'"dtypo"')).complete


def test_the_other_layouts():
    whisper = dict(contents(apr_whisper()).facts)
    assert (whisper["tensors"], whisper["vocabulary"], whisper["mel bands"]) == (167, 51865, 80)
    assert whisper["quantisation"] == "8 bits"
    content = apr_tsp()
    assert len(content) == 77
    solver = contents(content)
    assert dict(solver.facts)["algorithm"] == "ant colony"
    assert dict(solver.facts)["gap"] == 0.25
    assert solver.findings == ()
    assert contents(content[:-1]).findings
    packed = dict(contents(b"APR2\x02" + struct.pack("<I", 99) + b"\x28\xb5\x2f\xfd" + bytes(60)).facts)
    assert packed == {"compression": "Zstandard", "bytes when decoded": 99}
