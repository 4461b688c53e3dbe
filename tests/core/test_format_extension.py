"""The extension block: strict to the last byte, and a damaged one never hides the bundle."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from apbundle.errors import BundleError
from apbundle.format.extension import Extension, Section
from apbundle.format.model import Digest, ModelMetadata
from apbundle.format.reader import BundleReader
from apbundle.format.verify import verify
from support.forge import (
    ALIGNMENT,
    BINDING,
    COMPRESSION,
    CRITICAL,
    DIGESTS,
    METADATA,
    SHA256,
    alignment_section,
    binding_section,
    block,
    bundle,
    compression_row,
    compression_section,
    digest_section,
    header,
    manifest,
    metadata_section,
    patched,
    rebuilt_block,
    sealed,
    section,
    u32,
    u64,
)
from support.opened import codes, extension_fault, opened, verified

MODELS = (("a", b"0123456789abcdef"), ("b", b"xyz"))
ENTRIES_END = 20 + len(manifest([])) + 2 * 21
TOP = 2**64 - 1
GOOD = alignment_section(1)


def extended(*sections: bytes, slack: bytes = b"", **fields: Any) -> bytes:
    """The two models and a block with ``sections``; ``fields`` are those of the block."""
    return bundle(MODELS, tail=block(sections, **fields), slack=slack)


def test_a_complete_block_is_read(tmp_path: Path) -> None:
    document = {
        "bundle": {"team": "é"},
        "models": {
            "b": {
                "version": "1",
                "architecture": "mlp",
                "hyperparameters": {"layers": "2"},
                "custom": {"author": "me"},
                "components": ["w", "b"],
                "format": "safetensors",
            }
        },
    }
    raw = sealed(MODELS, algorithm=SHA256, document=document, alignment=1, others=[section(9, b"other")], slack=50)
    with opened(tmp_path, raw) as reader:
        assert codes(reader) == []
        assert reader.warnings == ()
        assert reader.extension_error is None
        assert reader.alignment == 1
        extension = reader.extension
        assert extension is not None
        assert extension.bundle_metadata == {"team": "é"}
        assert [found.tag for found in extension.unknown] == [9]
        assert extension.unknown[0].payload == b"other"
        assert extension.binding is not None
        assert extension.binding.data_length == 19
        entry = reader.entry("b")
        assert entry.metadata == ModelMetadata("1", "mlp", {"layers": "2"}, {"author": "me"}, ("w", "b"), "safetensors")
        assert entry.components == ("w", "b")
        assert entry.format == "safetensors"
        expected = "3608bca1e44ea6c4d268eb6db02260269892c0b42b86bbf1e77a6fa16c3c9282"
        assert entry.digest == Digest("sha256", expected)
        assert not entry.compressed
        assert reader.entry("a").metadata == ModelMetadata()
        assert reader.read_all_models() == dict(MODELS)
        report = verify(reader)
    assert report.status == "verified"
    assert report.findings == ()
    assert report.sound_models == ("a", "b")


# What stands after the last entry; the code it gives; and the place named, from the start of the block.
DAMAGED: dict[str, tuple[bytes, str, int]] = {
    "the tag alone": (b"APBXEXT1", "bad_extension", 0),
    "a head cut short by one byte": (block([])[:-1], "bad_extension", 0),
    "a length of 0": (block([], length=0), "bad_extension", 16),
    "a length of 31": (block([], length=31), "bad_extension", 16),
    "a length one beyond the manifest": (block([], length=33), "bad_extension", 16),
    "a length of 2^64 - 1": (block([GOOD], length=TOP), "bad_extension", 16),
    "a block cut inside its sections": (block([GOOD])[:-1], "bad_extension", 16),
    "a checksum off by one bit": (patched(block([GOOD]), 24, b"\xff"), "extension_checksum", 24),
    "a payload off by one bit": (block([GOOD])[:-8] + u64(3), "extension_checksum", 24),
    "block version 0": (block([GOOD], version=0), "unsupported_feature", 8),
    "block version 2": (block([GOOD], version=2), "unsupported_feature", 8),
    "block version 2^32 - 1": (block([], version=2**32 - 1), "unsupported_feature", 8),
    "a reserved field": (block([GOOD], reserved=1), "bad_extension", 28),
    "4 billion sections": (block([GOOD], count=2**32 - 1), "bad_extension", 12),
    "one section too many": (block([GOOD], count=2), "bad_extension", 12),
    "one section too few": (block([GOOD, section(9)], count=1), "bad_extension", 56),
    "a section too few, as zeros": (block([GOOD, bytes(8)], count=1), "bad_extension", 56),
    "bytes after the last section": (block([bytes(8)], count=0), "bad_extension", 32),
    "no room for the head of a section": (block([section(9, b"x" * 16), bytes(8)], count=2), "bad_extension", 64),
    "a section that claims 2^64 - 1": (block([section(9, b"12345678", length=TOP)]), "bad_extension", 40),
    "a section that claims one byte too many": (block([section(9, b"12345678", length=9)]), "bad_extension", 40),
    "a section that claims 8 bytes too few": (block([section(9, b"12345678", length=0)]), "bad_extension", 48),
    "padding that is not zero": (block([section(9, b"123", padding=b"\1")]), "bad_extension", 51),
    "a section cut so that its padding is not zero": (block([section(9, b"12345678", length=5)]), "bad_extension", 53),
    "a section twice": (block([GOOD, GOOD]), "bad_extension", 56),
    "an unknown section twice": (block([section(9), section(9)]), "bad_extension", 48),
    "unknown flags": (block([section(9, b"", 2)]), "bad_extension", 36),
    "all flags": (block([section(METADATA, b"{}", 2**32 - 1)]), "bad_extension", 36),
    "a critical section": (block([section(9, b"", CRITICAL)]), "unsupported_feature", 32),
    "a critical section after a good one": (block([GOOD, section(9, b"", CRITICAL)]), "unsupported_feature", 56),
    "a critical section after bad content": (
        block([alignment_section(3), section(9, b"", CRITICAL)]),
        "unsupported_feature",
        56,
    ),
    "alignment of 4 bytes": (block([section(ALIGNMENT, u32(64))]), "bad_extension", 48),
    "alignment of 16 bytes": (block([section(ALIGNMENT, u64(1) * 2)]), "bad_extension", 48),
    "no alignment": (block([section(ALIGNMENT)]), "bad_extension", 48),
    "models off the alignment": (block([alignment_section(64)]), "bad_extension", 48),
    "binding of 32 bytes": (block([section(BINDING, bytes(32))]), "bad_extension", 48),
    "binding of 41 bytes": (block([section(BINDING, bytes(41))]), "bad_extension", 48),
    "digests without a head": (block([section(DIGESTS, u32(1))]), "bad_extension", 48),
    "digest algorithm 0": (block([section(DIGESTS, u32(0) + u32(0) + bytes(32))]), "bad_extension", 48),
    "digest algorithm 3": (block([section(DIGESTS, u32(3) + u32(0) + bytes(32))]), "bad_extension", 48),
    "a reserved field of the digests": (block([section(DIGESTS, u32(1) + u32(1) + bytes(32))]), "bad_extension", 52),
    "a digest too few": (block([digest_section(MODELS[:1])]), "bad_extension", 48),
    "a digest too many": (block([digest_section(MODELS * 2)]), "bad_extension", 48),
    "digests of another length": (block([section(DIGESTS, u32(2) + u32(0) + bytes(32))]), "bad_extension", 48),
    "metadata that is not JSON": (block([metadata_section("{")]), "bad_metadata", 48),
    "metadata of nothing": (block([section(METADATA)]), "bad_metadata", 48),
    "compression of model 2 of 2": (
        block([compression_section(compression_row(2, 1, 1, [16]))]),
        "bad_extension",
        48,
    ),
    "compression of a model twice": (
        block([compression_section(compression_row(0, 9, 9, [16]), compression_row(0, 9, 9, [16]))]),
        "bad_extension",
        88,
    ),
    "codec 0": (block([compression_section(compression_row(0, 9, 9, [16], codec=0))]), "bad_extension", 52),
    "codec 2": (block([compression_section(compression_row(0, 9, 9, [16], codec=2))]), "bad_extension", 52),
    "chunks of nothing": (block([compression_section(compression_row(0, 9, 0, [16]))]), "bad_extension", 64),
    "chunks above 16 MiB": (
        block([compression_section(compression_row(0, 9, 16 * 2**20 + 1, [16]))]),
        "bad_extension",
        64,
    ),
    "chunks of 2^64 - 1": (block([compression_section(compression_row(0, TOP, TOP, [16]))]), "bad_extension", 64),
    "a chunk too few": (block([compression_section(compression_row(0, 9, 8, [16]))]), "bad_extension", 72),
    "a chunk too many": (block([compression_section(compression_row(0, 8, 8, [9, 16]))]), "bad_extension", 72),
    "a raw size no count can reach": (
        block([compression_section(compression_row(0, TOP, 16 * 2**20, [16]))]),
        "bad_extension",
        72,
    ),
    "a reserved field of the table": (
        block([compression_section(compression_row(0, 9, 9, [16], reserved=1))]),
        "bad_extension",
        76,
    ),
    "a table cut inside a row": (
        block([compression_section(compression_row(0, 9, 9, [])[:-1])]),
        "bad_extension",
        48,
    ),
    "a table cut inside its chunks": (
        block([compression_section(compression_row(0, 9, 8, [16], count=2))]),
        "bad_extension",
        80,
    ),
    "a table of 4 billion chunks": (
        block([compression_section(compression_row(0, 2**32 - 1, 1, [16], count=2**32 - 1))]),
        "bad_extension",
        80,
    ),
    "chunks that end before the model": (
        block([compression_section(compression_row(0, 9, 9, [15]))]),
        "bad_extension",
        80,
    ),
    "chunks that end after the model": (
        block([compression_section(compression_row(0, 9, 9, [17]))]),
        "bad_extension",
        80,
    ),
    "a chunk of no stored bytes": (
        block([compression_section(compression_row(0, 9, 8, [16, 16]))]),
        "bad_extension",
        80,
    ),
    "a first chunk of no stored bytes": (
        block([compression_section(compression_row(0, 9, 8, [0, 16]))]),
        "bad_extension",
        80,
    ),
    "chunks that go back": (
        block([compression_section(compression_row(0, 17, 8, [9, 8, 16]))]),
        "bad_extension",
        80,
    ),
    "stored bytes for no raw ones": (
        block([compression_section(compression_row(0, 0, 8, []))]),
        "bad_extension",
        80,
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_named_and_the_models_stay_readable(tmp_path: Path, name: str) -> None:
    tail, code, offset = DAMAGED[name]
    with opened(tmp_path, bundle(MODELS, tail=tail)) as reader:
        error = reader.extension_error
        assert error is not None
        assert error.offset is not None
        assert (error.code, error.offset - ENTRIES_END) == (code, offset), error
        assert error.path == reader.path
        assert reader.extension is None
        assert reader.alignment == 1
        assert not {"no_checksums", "stale_extension"} & {finding.code for finding in reader.warnings}
        assert verify(reader).status == "failed"
        if code == "unsupported_feature":
            for model, _ in MODELS:
                for read in (reader.read_model, reader.readable_entry):
                    with pytest.raises(BundleError) as caught:
                        read(model)
                    assert caught.value.code == code
            assert reader.entry("a").size == 16
        else:
            assert reader.read_all_models() == dict(MODELS)


@pytest.mark.parametrize("alignment", [0, 3, 6, 2**20 + 1, 2**21, 2**32, 2**63, TOP])
def test_alignments_that_are_none(tmp_path: Path, alignment: int) -> None:
    assert extension_fault(tmp_path, extended(alignment_section(alignment))) == "bad_extension"


@pytest.mark.parametrize("alignment", [1 << shift for shift in range(21)])
def test_alignments_that_hold(tmp_path: Path, alignment: int) -> None:
    tail = block([alignment_section(alignment)])
    slack = -(20 + len(manifest([])) + 21 + len(tail)) % alignment
    with opened(tmp_path, bundle(MODELS[:1], tail=tail, slack=bytes(slack))) as reader:
        assert reader.extension_error is None
        assert reader.alignment == alignment
    if alignment > 1:
        assert extension_fault(tmp_path, bundle(MODELS[:1], tail=tail, slack=bytes(slack + 1))) == "bad_extension"


def test_models_without_bytes_need_no_alignment(tmp_path: Path) -> None:
    tail = block([alignment_section(1 << 20)])
    with opened(tmp_path, bundle([("a", b""), ("b", b"")], tail=tail)) as reader:
        assert reader.extension_error is None
        assert codes(reader) == []


@pytest.mark.parametrize(
    ("tail", "code"),
    [
        (block([GOOD], version=2, reserved=1, count=9, crc=0), "extension_checksum"),
        (block([GOOD], version=2, length=TOP, crc=0), "bad_extension"),
        (block([GOOD], version=2, reserved=1, count=9), "unsupported_feature"),
        (block([metadata_section("{"), section(9, b"1", padding=b"\1")]), "bad_extension"),
        (block([metadata_section("{"), alignment_section(3)]), "bad_metadata"),
        (block([alignment_section(3), metadata_section("{")]), "bad_extension"),
    ],
)
def test_the_first_failure_wins(tmp_path: Path, tail: bytes, code: str) -> None:
    assert extension_fault(tmp_path, bundle(MODELS, tail=tail)) == code


@pytest.mark.parametrize("tag", [0, 2, 7, 2**32 - 1])
@pytest.mark.parametrize("payload", [b"", b"1", b"12345678"])
def test_unknown_sections_are_kept_as_they_are(tmp_path: Path, tag: int, payload: bytes) -> None:
    with opened(tmp_path, extended(section(tag, payload))) as reader:
        assert codes(reader) == []
        assert reader.extension is not None
        [kept] = reader.extension.unknown
        assert (kept.tag, kept.flags, kept.payload, kept.critical) == (tag, 0, payload, False)


def test_known_sections_may_be_critical_and_in_any_order(tmp_path: Path) -> None:
    critical = section(METADATA, b"{}", CRITICAL)
    with opened(tmp_path, extended(GOOD, digest_section(MODELS), critical)) as reader:
        assert reader.extension_error is None
        assert reader.has_digests


@pytest.mark.parametrize("models", [(), (("a", b""),), MODELS])
def test_an_empty_block_says_nothing(tmp_path: Path, models: tuple[tuple[str, bytes], ...]) -> None:
    with opened(tmp_path, bundle(models, sections=[])) as reader:
        assert reader.extension == Extension()
        assert [finding.code for finding in reader.warnings] == ["no_checksums"]
        assert verify(reader).status == "no_checksums"


def test_a_bundle_without_models_verifies_by_its_binding(tmp_path: Path) -> None:
    raw = sealed([], slack=3)
    assert verified(tmp_path, raw).status == "verified"
    with opened(tmp_path, raw) as reader:
        assert reader.warnings == ()


def test_slack_is_silent_and_a_tail_is_not(tmp_path: Path) -> None:
    for size in (1, 7, 8, 100):
        with opened(tmp_path, sealed(MODELS, slack=size)) as reader:
            assert codes(reader) == []
            assert reader.tail == b""
            assert verify(reader).status == "verified"
        raw = extended(GOOD, slack=bytes(size - 1) + b"\1")
        with opened(tmp_path, raw) as reader:
            assert codes(reader) == ["unknown_manifest_tail"]
            assert reader.extension is not None
            assert reader.tail == bytes(size - 1) + b"\1"
            assert verify(reader).status == "failed"


def test_a_name_that_holds_the_tag_is_not_taken_for_a_block(tmp_path: Path) -> None:
    name = block([section(9, b"", CRITICAL)]).decode("latin-1")
    with opened(tmp_path, bundle([(name, b"1")])) as reader:
        assert reader.extension_error is None
        assert reader.extension is None
        assert codes(reader) == ["control_in_name"]


@pytest.mark.parametrize("change", ["description", "created_at", "size", "data", "removed"])
def test_a_binding_of_something_else_is_stale(tmp_path: Path, change: str) -> None:
    raw = sealed(MODELS, description=b"dd")
    if change == "description":
        raw = patched(raw, 36, b"D")
    elif change == "created_at":
        raw = patched(raw, 24, u64(5))
    elif change == "size":
        raw = patched(raw, ENTRIES_END + 2 - 16, u64(2))
    elif change == "data":
        raw += b"\0"
    else:
        raw = raw[: len(raw) - 3] + b"xyz\0"
    with opened(tmp_path, raw) as reader:
        assert "stale_extension" in codes(reader)
        assert reader.extension is not None
        report = verify(reader)
        assert report.status == "failed"
        assert "stale_extension" in {finding.code for finding in report.findings}


def test_digests_without_a_binding_never_verify(tmp_path: Path) -> None:
    report = verified(tmp_path, extended(digest_section(MODELS)))
    assert report.status == "failed"
    assert [finding.code for finding in report.findings] == ["stale_extension"]


def test_a_binding_without_digests_is_no_checksum(tmp_path: Path) -> None:
    raw = sealed(MODELS, algorithm=None)
    assert verified(tmp_path, raw).status == "no_checksums"
    with opened(tmp_path, raw) as reader:
        assert [finding.code for finding in reader.warnings] == ["no_checksums"]


def test_the_binding_covers_header_and_entries_as_they_stand(tmp_path: Path) -> None:
    head = manifest([])
    length = len(head) + len(block([binding_section(b"", 0), digest_section([])]))
    for wrong in (header(length, version=2) + head, header(length + 1) + head, head, header(length) + head + b"\0"):
        tail = block([digest_section([]), binding_section(wrong, 0)])
        assert verified(tmp_path, bundle([], tail=tail)).status == "failed"
    tail = block([digest_section([]), binding_section(header(length) + head, 0)])
    assert verified(tmp_path, bundle([], tail=tail)).status == "verified"


ZSTD = b"\x28\xb5\x2f\xfd rest"


@pytest.mark.parametrize(
    "tail",
    [
        patched(block([GOOD]), 24, b"\xff"),
        block([GOOD], length=TOP),
        block([metadata_section("{")]),
        block([metadata_section("[" * 40 + "]" * 40)]),
        block([section(COMPRESSION, b"x", CRITICAL)]),
    ],
)
def test_under_a_damaged_block_what_looks_compressed_is_not_handed_out(tmp_path: Path, tail: bytes) -> None:
    models = [("z", ZSTD), ("short", ZSTD[:3]), ("other", b"\x28\xb5\x2f\xfe"), ("none", b"")]
    with opened(tmp_path, bundle(models, tail=tail)) as reader:
        assert reader.extension_error is not None
        for read in (
            lambda: reader.read_model("z"),
            lambda: reader.read_range("z", 5, 1),
            lambda: reader.read_into("z", 0, memoryview(bytearray(1))),
            lambda: reader.readable_entry("z"),
            reader.read_all_models,
        ):
            with pytest.raises(BundleError) as caught:
                read()
            assert caught.value.code == reader.extension_error.code
        for name, data in models[1:]:
            assert reader.read_model(name) == data


def test_without_a_damaged_block_a_zstd_payload_is_a_payload(tmp_path: Path) -> None:
    for raw in (bundle([("z", ZSTD)]), bundle([("z", ZSTD)], sections=[]), sealed([("z", ZSTD)])):
        with opened(tmp_path, raw) as reader:
            assert reader.read_model("z") == ZSTD


def test_critical_compression_lost_to_damage_is_noticed(tmp_path: Path, golden: Path) -> None:
    raw = (golden / "ext_compressed.apbundle").read_bytes()
    begin = raw.index(b"APBXEXT1")
    with opened(tmp_path, patched(raw, begin + 40, b"\xff")) as reader:
        assert reader.extension_error is not None
        assert reader.extension_error.code == "extension_checksum"
        with pytest.raises(BundleError) as caught:
            reader.read_model("packed")
        assert caught.value.code == "extension_checksum"
        assert len(reader.read_model("plain")) == 4000
    unknown = rebuilt_block(raw, lambda inner: inner.__setitem__(slice(8, 12), u32(2)))
    with opened(tmp_path, unknown) as reader:
        for name in ("plain", "packed", "last"):
            with pytest.raises(BundleError) as caught:
                reader.read_model(name)
            assert caught.value.code == "unsupported_feature"


def test_errors_are_raised_afresh(tmp_path: Path) -> None:
    with opened(tmp_path, bundle([("z", ZSTD)], tail=patched(block([GOOD]), 24, b"\xff"))) as reader:
        caught = []
        for _ in range(3):
            with pytest.raises(BundleError) as one:
                reader.read_model("z")
            caught.append(one.value)
        assert len({id(error) for error in caught}) == 3
        assert reader.extension_error is not None
        assert reader.extension_error.__traceback__ is None
        assert reader.extension_error.__context__ is None


def test_a_reader_with_a_damaged_block_is_in_no_cycle(tmp_path: Path) -> None:
    path = tmp_path / "case.apbundle"
    path.write_bytes(bundle(MODELS, tail=block([metadata_section("{")])))
    gc.disable()
    try:
        reader = BundleReader.open(path)
        alive = weakref.ref(reader)
        del reader
        assert alive() is None
    finally:
        gc.enable()


def test_digests_are_a_sequence(tmp_path: Path) -> None:
    with opened(tmp_path, sealed(MODELS)) as reader:
        assert reader.extension is not None
        table = reader.extension.digests
        assert table is not None
        assert len(table) == 2
        assert list(table) == [entry.digest for entry in reader.manifest]
        assert table[-1] == table[1]
        assert table[::-1] == [table[1], table[0]]
        for index in (2, -3):
            with pytest.raises(IndexError):
                table[index]


def test_a_section_is_a_value() -> None:
    made = Section(9, CRITICAL, 0, b"x")
    assert made.critical
    assert made == Section(9, CRITICAL, 0, b"x")
