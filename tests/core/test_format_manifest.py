"""Header and manifest: written as pinned, read strictly, the first failure named with its place."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.errors import BundleError
from apbundle.format import layout
from apbundle.format.manifest import BundleFormat, BundleManifest, parse_manifest
from apbundle.format.model import ModelEntry
from apbundle.format.oddities import _placement_units
from apbundle.format.reader import BundleReader
from support.forge import bundle, entry, header, manifest, patched, u32, u64
from support.opened import codes, opened, refusal

TWO = (("a", b"0123456789abcdef"), ("b", b"xyz"))
SOUND = bundle(TWO, description=b"d")
"""102 bytes: header, manifest of 63 (description at 36, count at 37, entries at 41 and 62), data from 83."""

TOP = 2**64 - 1


def test_the_file_these_cases_are_made_of_is_sound(tmp_path: Path) -> None:
    with opened(tmp_path, SOUND) as reader:
        assert reader.read_all_models() == dict(TWO)
        assert codes(reader) == []
        assert reader.data_offset == 83
        assert reader.entries_end == 63
        assert reader.version == 1
        assert reader.file_size == len(SOUND) == 102
        assert reader.header_bytes == SOUND[:20]
        assert reader.alignment == 1
        assert reader.extension is None
        assert reader.read_manifest() is reader.manifest
        assert repr(reader) == f"BundleReader({str(tmp_path / 'case.apbundle')!r}, 2 models, 102 bytes)"


def test_a_manifest_in_bytes() -> None:
    made = BundleManifest("é", 1)
    made.add_model(ModelEntry("ab", 3, 0))
    made.add_model(ModelEntry("", 2**40, 2**33))
    expected = """
        01000000 0100000000000000 02000000 c3a9 02000000
        02000000 6162 0300000000000000 0000000000000000
        00000000 0000000000010000 0000000002000000
    """
    assert made.to_bytes() == bytes.fromhex(expected)
    again = BundleManifest.from_bytes(made.to_bytes() + b"what follows is not looked at")
    assert (again.description, again.created_at, again.version) == ("é", 1, 1)
    assert list(again) == list(made)
    assert again.model_names == ["ab", ""]
    assert again.total_size == 3 + 2**40
    assert len(again) == 2
    assert "ab" in again
    assert "b" not in again
    assert again.get_model("ab") == ModelEntry("ab", 3, 0)
    assert repr(again) == f"BundleManifest(2 models, {3 + 2**40} bytes, created_at=1)"


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.one_of(st.integers(0, 300), st.integers(0, TOP))


@given(st.dictionaries(texts, st.tuples(numbers, numbers), max_size=8), texts, numbers, st.integers(0, 2**32 - 1))
def test_any_manifest_survives_bytes(
    models: dict[str, tuple[int, int]], description: str, created_at: int, version: int
) -> None:
    made = BundleManifest(description, created_at, version)
    for name, (size, offset) in models.items():
        made.add_model(ModelEntry(name, size, offset))
    raw = made.to_bytes()
    again = BundleManifest.from_bytes(raw)
    assert list(again) == list(made)
    assert again.to_bytes() == raw
    assert parse_manifest(raw + b"tail").end == len(raw)
    entries = [entry(name, *numbers) for name, numbers in models.items()]
    assert raw == manifest(entries, description=description.encode(), created_at=created_at, version=version)


def test_a_name_comes_once() -> None:
    made = BundleManifest()
    made.add_model(ModelEntry("a", 1, 0))
    with pytest.raises(BundleError) as caught:
        made.add_model(ModelEntry("a", 2, 1))
    assert caught.value.code == "duplicate_name"
    assert len(made) == 1
    assert (made.number("a"), made.number("b")) == (0, None)


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(BundleError) as caught:
        BundleManifest().get_model("a")
    assert caught.value.code == "model_not_found"
    assert isinstance(caught.value, KeyError)


@pytest.mark.parametrize(
    "made",
    [
        BundleManifest(created_at=-1),
        BundleManifest(created_at=2**64),
        BundleManifest(version=2**32),
        BundleManifest("\ud800"),
    ],
)
def test_what_does_not_fit_is_a_value_error(made: BundleManifest) -> None:
    with pytest.raises(ValueError, match=r"manifest cannot be written|surrogates"):
        made.to_bytes()


def test_a_negative_size_is_a_value_error() -> None:
    made = BundleManifest()
    made.add_model(ModelEntry("a", -1, 0))
    with pytest.raises(ValueError, match="manifest cannot be written"):
        made.to_bytes()


@pytest.mark.parametrize("length", range(20))
def test_a_manifest_that_is_too_short_by_itself(length: int) -> None:
    with pytest.raises(BundleError) as caught:
        BundleManifest.from_bytes(manifest([])[:length])
    assert caught.value.code == "bad_manifest"
    assert caught.value.path is None


def test_places_are_for_all_models_or_none() -> None:
    made = BundleManifest()
    made.add_model(ModelEntry("a", 1, 0))
    with pytest.raises(ValueError, match="cannot be placed"):
        made.place([])
    made.place([7])
    assert made.get_model("a").offset == 7


def test_header_fields() -> None:
    assert BundleFormat.validate_magic(SOUND)
    assert BundleFormat.validate_magic(memoryview(SOUND))
    assert not BundleFormat.validate_magic(b"APBUNDL")
    assert not BundleFormat.validate_magic(b"APBUNDLF" + SOUND[8:])
    assert BundleFormat.read_version(SOUND) == 1
    assert BundleFormat.read_manifest_length(SOUND) == 63
    for read in (BundleFormat.read_version, BundleFormat.read_manifest_length):
        with pytest.raises(BundleError) as caught:
            read(SOUND[:19])
        assert caught.value.code == "truncated"


@pytest.mark.parametrize("length", range(20))
def test_a_file_shorter_than_a_header(tmp_path: Path, length: int) -> None:
    error = refusal(tmp_path, SOUND[:length])
    assert error.code == ("not_a_bundle" if length < 8 else "truncated")


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        (b"", "it is empty"),
        (b"APB", "ends inside the magic"),
        (b"APBUNDLF" + bytes(40), "its magic is damaged"),
        (b"  \n<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"PK\x03\x04" + bytes(40), "zip"),
        (b"GGUF\3\0\0\0" + bytes(40), "GGUF"),
        (b"APR\0" + bytes(40), ".apr"),
        (b"\x1f\x8b\x08" + bytes(40), "gzip"),
        (b"\x28\xb5\x2f\xfd" + bytes(40), "zstd"),
        (b"\x93NUMPY\1\0" + bytes(40), "numpy"),
        (b"\x89HDF\r\n\x1a\n" + bytes(40), "HDF5"),
        (b"\x7fELF" + bytes(40), "program"),
        (b"bplist00" + bytes(40), "property list"),
        (b'{"a": 1}' + bytes(40), "JSON"),
        (bytes(100), "does not begin with APBUNDLE"),
        (b"apbundle" + bytes(40), "does not begin with APBUNDLE"),
        (SOUND[1:], "does not begin with APBUNDLE"),
        (b"\xff" + SOUND, "does not begin with APBUNDLE"),
        (b"P", "does not begin with APBUNDLE"),
    ],
)
def test_something_else(tmp_path: Path, raw: bytes, cause: str) -> None:
    error = refusal(tmp_path, raw)
    assert error.code == "not_a_bundle"
    assert error.offset == 0
    assert cause in error.message


@pytest.mark.parametrize("version", [0, 2, 3, 255, 256, 65_536, 2**24, 2**32 - 1])
def test_other_versions(tmp_path: Path, version: int) -> None:
    error = refusal(tmp_path, patched(SOUND, 8, u32(version)))
    assert (error.code, error.offset) == ("unsupported_version", 8)
    assert str(version) in error.message


@pytest.mark.parametrize("length", [0, 1, 19, 83, 84, 2**32, 2**63 - 1, 2**63, TOP - 20, TOP - 19, TOP])
def test_manifest_lengths_that_cannot_be(tmp_path: Path, length: int) -> None:
    error = refusal(tmp_path, patched(SOUND, 12, u64(length)))
    assert (error.code, error.offset) == ("bad_manifest_length", 12)


def test_the_whole_file_may_be_manifest(tmp_path: Path) -> None:
    error = refusal(tmp_path, patched(SOUND, 12, u64(82)))  # then no data is left for the models
    assert error.code == "out_of_bounds"


def test_a_manifest_above_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.apbundle"
    path.write_bytes(header(layout.MAX_MANIFEST + 1))
    os.truncate(path, layout.MAX_MANIFEST + 100)
    with pytest.raises(BundleError) as caught:
        BundleReader.open(path)
    assert (caught.value.code, caught.value.offset) == ("limit_exceeded", 12)


# Each case breaks one field; with the code and the place in the file the error must name.
BROKEN = {
    "the description claims one byte too many to leave its count": (patched(SOUND, 32, u32(44)), "bad_manifest", 80),
    "the description claims all that remains": (patched(SOUND, 32, u32(47)), "bad_manifest", 83),
    "the description claims one byte too many": (patched(SOUND, 32, u32(48)), "bad_manifest", 32),
    "the description claims 4 GiB": (patched(SOUND, 32, u32(2**32 - 1)), "bad_manifest", 32),
    "the description is not UTF-8": (patched(SOUND, 36, b"\xff"), "bad_utf8", 36),
    "the description is a surrogate": (bundle(TWO, description=b"ok\xed\xa0\x80"), "bad_utf8", 38),
    "the description ends inside a character": (bundle(TWO, description=b"ok\xe2\x82"), "bad_utf8", 38),
    "one model more than there is room for": (patched(SOUND, 37, u32(3)), "bad_count", 37),
    "4 billion models": (patched(SOUND, 37, u32(2**32 - 1)), "bad_count", 37),
    "a name claims one byte too many": (patched(SOUND, 62, u32(2)), "bad_manifest", 62),
    "a name claims all that remains": (patched(SOUND, 62, u32(17)), "bad_manifest", 62),
    "a name claims 4 GiB": (patched(SOUND, 41, u32(2**32 - 1)), "bad_manifest", 41),
    "a first name that leaves nothing for the second": (patched(SOUND, 41, u32(20)), "bad_manifest", 81),
    "a name is not UTF-8": (patched(SOUND, 66, b"\x80"), "bad_utf8", 66),
    "a name is overlong UTF-8": (bundle([("a", b"1"), (b"x\xc0\xaf", b"2")]), "bad_utf8", 66),
    "a name beyond Unicode": (bundle([(b"\xf4\x90\x80\x80", b"1")]), "bad_utf8", 44),
    "a name twice": (patched(SOUND, 66, b"a"), "duplicate_name", 66),
    "an empty name twice": (bundle([("", b"1"), ("", b"2")]), "duplicate_name", 64),
    "a size of 2^63": (patched(SOUND, 67, u64(2**63)), "out_of_bounds", 62),
    "a size one too large": (patched(SOUND, 67, u64(4)), "out_of_bounds", 62),
    "an offset one too large": (patched(SOUND, 75, u64(17)), "out_of_bounds", 62),
    "an offset past the end for no bytes": (
        bundle([], entries=[entry("a", 0, 4)], data=b"123"),
        "out_of_bounds",
        40,
    ),
    "a sum that wraps to 0": (patched(SOUND, 67, u64(2) + u64(TOP - 1)), "out_of_bounds", 62),
    "a sum that wraps to the end": (patched(SOUND, 67, u64(TOP - 10) + u64(30)), "out_of_bounds", 62),
    "everything at its largest": (patched(SOUND, 67, u64(TOP) + u64(TOP)), "out_of_bounds", 62),
    "the same bytes twice": (patched(SOUND, 75, u64(0)), "overlap", 62),
    "the last byte of another": (patched(SOUND, 75, u64(15)), "overlap", 62),
    "inside another, listed first": (
        bundle([], entries=[entry("in", 2, 4), entry("out", 10, 0)], data=bytes(10)),
        "overlap",
        40,
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_manifest_is_refused_at_its_place(tmp_path: Path, name: str) -> None:
    raw, code, offset = BROKEN[name]
    error = refusal(tmp_path, raw)
    assert (error.code, error.offset) == (code, offset), error


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        ({0: b"X", 8: u32(9)}, "not_a_bundle"),
        ({8: u32(9), 12: u64(0)}, "unsupported_version"),
        ({12: u64(0), 32: u32(2**32 - 1)}, "bad_manifest_length"),
        ({32: u32(2**32 - 1), 37: u32(2**32 - 1)}, "bad_manifest"),
        ({36: b"\xff", 37: u32(2**32 - 1)}, "bad_utf8"),
        ({37: u32(2**32 - 1), 41: u32(2**32 - 1)}, "bad_count"),
        ({45: b"\xff", 62: u32(99)}, "bad_utf8"),
        ({62: u32(99), 66: b"\xff"}, "bad_manifest"),
        ({46: u64(TOP), 66: b"\xff"}, "bad_utf8"),
        ({46: u64(TOP), 66: b"a"}, "duplicate_name"),
        ({46: u64(17), 67: u64(9)}, "out_of_bounds"),
        ({46: u64(3), 67: u64(TOP), 75: u64(0)}, "out_of_bounds"),
    ],
)
def test_the_first_failure_wins(tmp_path: Path, faults: dict[int, bytes], code: str) -> None:
    raw = SOUND
    for offset, value in faults.items():
        raw = patched(raw, offset, value)
    assert refusal(tmp_path, raw).code == code


@pytest.mark.parametrize("index", range(0, 100, 7))
@pytest.mark.parametrize("fault", [(b"\xff", 5, 0), (b"m0", 5, 0), (b"x", TOP, 0), (b"x", 5, 3)])
def test_one_bad_entry_is_not_taken_for_the_end_of_the_list(
    tmp_path: Path, index: int, fault: tuple[bytes, int, int]
) -> None:
    entries = [entry(f"m{i}", 5, 5 * i) for i in range(100)]
    entries[index] = entry(*fault) if index or fault[0] != b"m0" else entry(b"m1", 5, 0)
    error = refusal(tmp_path, bundle([], entries=entries, data=bytes(500)))
    assert error.code in ("bad_utf8", "duplicate_name", "out_of_bounds", "overlap")


LIMITS = {
    "MAX_DESCRIPTION": (bundle(TWO, description=b"x" * 60), 60, 32),
    "MAX_MODELS": (bundle([(f"{i}", b"") for i in range(60)]), 60, 36),
    "MAX_NAME": (bundle([("x" * 60, b"1")]), 60, 40),
    "MAX_MANIFEST": (bundle([("x" * 20, b"1")]), 60, 12),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limits_are_inclusive_and_asked_after_the_fit(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, size, offset = LIMITS[name]
    monkeypatch.setattr(layout, name, size)
    with opened(tmp_path, raw):
        pass
    monkeypatch.setattr(layout, name, size - 1)
    error = refusal(tmp_path, raw)
    assert (error.code, error.offset) == ("limit_exceeded", offset)
    too_long = patched(raw, offset, (u64 if offset == 12 else u32)(2**32 - 1))
    assert refusal(tmp_path, too_long).code in ("bad_manifest", "bad_count", "bad_manifest_length")


def test_a_limit_is_asked_before_the_text_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MAX_DESCRIPTION", 3)
    assert refusal(tmp_path, bundle(TWO, description=b"\xff" * 4)).code == "limit_exceeded"
    assert refusal(tmp_path, bundle(TWO, description=b"\xff" * 3)).code == "bad_utf8"
    monkeypatch.setattr(layout, "MAX_NAME", 3)
    assert refusal(tmp_path, bundle([(b"\xff" * 4, b"")])).code == "limit_exceeded"


def test_real_limits_of_names_and_descriptions() -> None:
    longest = manifest([entry(b"n" * 65_535, 0, 0)], description=b"d" * layout.MAX_DESCRIPTION)
    assert BundleManifest.from_bytes(longest).model_names == ["n" * 65_535]
    for raw in (
        manifest([entry(b"n" * 65_536, 0, 0)]),
        manifest([], description=b"d" * (layout.MAX_DESCRIPTION + 1)),
        manifest([], count=1_000_001) + bytes(20 * 1_000_001),
    ):
        with pytest.raises(BundleError) as caught:
            BundleManifest.from_bytes(raw)
        assert caught.value.code == "limit_exceeded"


def test_a_count_is_not_worked_through_before_it_fits() -> None:
    class Untouchable(bytes):
        def __getitem__(self, key: object) -> object:  # type: ignore[override]
            assert isinstance(key, slice)
            assert key.stop - key.start < 100, "an entry was read"
            return super().__getitem__(key)  # type: ignore[index]

    with pytest.raises(BundleError) as caught:
        parse_manifest(Untouchable(manifest([], count=2**32 - 1) + bytes(1_000_000)))
    assert caught.value.code == "bad_count"


WARNED = {
    "version_mismatch": (patched(SOUND, 20, u32(2)), ["version_mismatch"], 20),
    "the first second of year 10000": (bundle(TWO, created_at=253_402_300_800), ["bad_timestamp"], 24),
    "the last second of year 9999": (bundle(TWO, created_at=253_402_300_799), [], None),
    "before the epoch, as a signed number": (bundle(TWO, created_at=TOP), ["bad_timestamp"], 24),
    "the epoch": (bundle(TWO, created_at=0), [], None),
    "an empty name": (bundle([("", b"1")]), ["empty_name"], 40),
    "a control character": (bundle([("a", b""), ("a\x1b[31m", b"1")]), ["control_in_name"], 61),
    "a bidirectional override": (bundle([("a\u202eb", b"1")]), ["control_in_name"], 40),
    "a line separator": (bundle([("a\u2028b", b"1")]), ["control_in_name"], 40),
    "an isolate": (bundle([("a\u2066b", b"1")]), ["control_in_name"], 40),
    "a NUL": (bundle([("a\0b", b"1")]), ["control_in_name"], 40),
    "a C1 control": (bundle([("a\x85b", b"1")]), ["control_in_name"], 40),
    "an emoji is fine": (bundle([("a🎯b c/../d", b"1")]), [], None),
    "a gap": (bundle([], entries=[entry("a", 1, 0), entry("b", 1, 2)], data=b"123"), ["gap"], 83),
    "a gap before the first": (bundle([], entries=[entry("a", 1, 1)], data=b"12"), ["gap"], 61),
    "bytes after the last": (SOUND + b"!", ["trailing_data"], len(SOUND)),
    "bytes and no model": (bundle([]) + b"!", ["trailing_data"], 40),
    "zeros after the last entry": (bundle(TWO, slack=bytes(5)), ["manifest_padding"], 82),
    "anything after the last entry": (bundle(TWO, slack=b"\0\1"), ["unknown_manifest_tail"], 82),
    "part of the tag of an extension": (bundle(TWO, slack=b"APBXEXT"), ["unknown_manifest_tail"], 82),
    "zeros before the tag": (bundle(TWO, slack=b"\0APBXEXT1"), ["unknown_manifest_tail"], 82),
    "models in another order than their bytes": (
        bundle([], entries=[entry("a", 2, 1), entry("b", 1, 0)], data=b"123"),
        [],
        None,
    ),
    "no bytes, anywhere": (
        bundle([], entries=[entry("a", 2, 0), entry("b", 0, 1), entry("c", 0, 2)], data=b"12"),
        [],
        None,
    ),
}


@pytest.mark.parametrize("name", WARNED)
def test_what_is_odd_is_a_warning_with_its_place(tmp_path: Path, name: str) -> None:
    raw, expected, offset = WARNED[name]
    with opened(tmp_path, raw) as reader:
        assert codes(reader) == expected
        if expected:
            [finding] = [found for found in reader.warnings if found.code == expected[0]]
            assert finding.offset == offset
            assert finding.to_json() == {"code": finding.code, "message": finding.message, "offset": offset}
        assert "no_checksums" in {found.code for found in reader.warnings}
        reader.read_all_models()


@pytest.mark.parametrize("size", [1, 2, 3, 17, 255, 256, 4095, 4096])
def test_appended_bytes_are_always_told(tmp_path: Path, size: int) -> None:
    for extra in (bytes(size), b"x" * size):
        with opened(tmp_path, SOUND + extra) as reader:
            assert codes(reader) == ["trailing_data"]
            assert f"{size} byte" in next(f for f in reader.warnings if f.code == "trailing_data").message


def test_padding_that_the_placement_rule_gives_is_no_gap(tmp_path: Path) -> None:
    data_offset = 20 + 20 + 21 * 2
    start = layout.round_up(data_offset + 1, 256) - data_offset
    entries = [entry("a", 1, 0), entry("b", 4096, start)]
    with opened(tmp_path, bundle([], entries=entries, data=bytes(start + 4096))) as reader:
        assert codes(reader) == []
    for wrong in (start - 1, start + 1, start + 256):
        entries = [entry("a", 1, 0), entry("b", 4096, wrong)]
        with opened(tmp_path, bundle([], entries=entries, data=bytes(wrong + 4096))) as reader:
            assert codes(reader) == ["gap"]


def test_many_gaps_are_one_warning(tmp_path: Path) -> None:
    entries = [entry(str(n), 1, 3 * n) for n in range(100)]
    with opened(tmp_path, bundle([], entries=entries, data=bytes(300))) as reader:
        assert codes(reader) == ["gap", "trailing_data"]
        assert "198 bytes in 99 places" in reader.warnings[0].message


@given(st.integers(0, 2**40), st.sampled_from([1 << n for n in range(21)]))
def test_units_are_the_same_one_by_one_and_many_at_once(size: int, alignment: int) -> None:
    [unit] = _placement_units(np.array([size], np.uint64), alignment)
    assert unit == layout.placement_unit(size, alignment)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    fifo, unix = tmp_path / "fifo", tmp_path / "s"
    os.mkfifo(fifo)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(unix))
        for path in (fifo, unix, tmp_path, Path("/"), Path("/dev/null"), Path("/dev/zero"), Path("/dev/tty")):
            with pytest.raises(BundleError) as caught:
                BundleReader.open(path)
            assert caught.value.code == "not_a_bundle"
            assert caught.value.path == str(path)


def test_what_the_system_says_stays_an_os_error(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    for path, number in ((tmp_path / "none", errno.ENOENT), (loop, errno.ELOOP), (tmp_path / ("x" * 300), 36)):
        with pytest.raises(OSError, match=r".") as caught:
            BundleReader.open(path)
        assert caught.value.errno == number


def test_a_size_of_zero_that_has_content(tmp_path: Path) -> None:
    with pytest.raises(BundleError) as caught:
        BundleReader.open("/proc/self/maps")
    assert caught.value.code == "not_a_bundle"


def test_links_are_followed_and_odd_names_open(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/\xff\xfe.apbundle"
    Path(os.fsdecode(odd)).write_bytes(SOUND)
    link = tmp_path / "link"
    link.symlink_to(os.fsdecode(odd))
    for path in (link, os.fsdecode(odd), Path(os.fsdecode(odd))):
        with BundleReader.open(path) as reader:
            assert reader.path == str(path)
            assert reader.manifest.model_names == ["a", "b"]
