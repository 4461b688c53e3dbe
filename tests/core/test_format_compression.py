"""Compressed models: any range reads back, and a frame that is not exactly what the table says is an error."""

from __future__ import annotations

import os
import random
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.errors import BundleError, Cancelled
from apbundle.fileio import staging_file
from apbundle.format import compression, layout
from apbundle.format.compressing import compressed as compressed_models
from apbundle.format.compression import decode_into, encode_chunk
from apbundle.format.extract import extract_models
from apbundle.format.model import Compression, ModelEntry
from apbundle.format.reader import BundleReader
from apbundle.format.sources import BuffersSource, FileSource, NewModel
from apbundle.format.verify import verify
from apbundle.format.writer import WriteOptions, write_bundle
from apbundle.progress import Reporter
from support.forge import bundle, compression_row, compression_section
from support.memory import MIB, peak_growth
from support.opened import opened

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def write(path: Path, data: bytes, *, chunk: int = layout.DEFAULT_CHUNK) -> None:
    """A bundle at ``path`` with ``data`` compressed in chunks, between two plain models."""
    frames = [encode_chunk(memoryview(data)[at : at + chunk]) for at in range(0, len(data), chunk)]
    ends: list[int] = []
    for frame in frames:
        ends.append((ends[-1] if ends else 0) + len(frame))
    table = Compression(len(data), chunk, tuple(ends))
    source = BuffersSource([memoryview(frame) for frame in frames])
    models = [
        NewModel("before", BuffersSource([memoryview(b"before")])),
        NewModel("packed", source, compression=table),
        NewModel("after", BuffersSource([memoryview(b"after")])),
    ]
    write_bundle(path, models, WriteOptions())


def texture(size: int) -> bytes:
    """Bytes that compress, without repeating at a short distance."""
    return b"".join(struct.pack("<Q", i * i) for i in range(size // 8 + 1))[:size]


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 1025, 5000, 65_536])
@pytest.mark.parametrize("chunk", [1, 1024, 1 << 20])
def test_any_size_in_any_chunks(tmp_path: Path, size: int, chunk: int) -> None:
    if size > 5000 and chunk == 1:
        size = 5003
    data = texture(size)
    write(tmp_path / "x", data, chunk=chunk)
    with BundleReader.open(tmp_path / "x") as reader:
        entry = reader.entry("packed")
        assert entry.compressed
        assert entry.raw_size == size
        assert entry.compression is not None
        assert len(entry.compression.ends) == -(-size // chunk)
        assert reader.read_all_models() == {"before": b"before", "packed": data, "after": b"after"}
        assert verify(reader).status == "verified"


def test_a_compressed_model_is_one_zstd_stream(tmp_path: Path) -> None:
    data = texture(10_000)
    write(tmp_path / "x", data, chunk=1000)
    with BundleReader.open(tmp_path / "x") as reader:
        stored = reader.read_stored(reader.entry("packed"), 0, reader.entry("packed").size)
    assert zstd.decompress(stored) == data
    assert stored.startswith(layout.ZSTD_MAGIC)


def test_frames_carry_their_size_and_are_reproducible() -> None:
    data = memoryview(texture(5000))
    frame = encode_chunk(data)
    assert zstd.get_frame_info(frame).decompressed_size == 5000
    assert encode_chunk(data) == frame


@given(st.data())
def test_any_range(data: st.DataObject) -> None:
    raw = texture(2500)
    chunk = data.draw(st.sampled_from([7, 100, 1000, 2500, 4000]))
    frames = [encode_chunk(memoryview(raw)[at : at + chunk]) for at in range(0, len(raw), chunk)]
    stored = b"".join(frames)
    ends = tuple(len(b"".join(frames[: i + 1])) for i in range(len(frames)))
    entry = ModelEntry("m", len(stored), 0, compression=Compression(len(raw), chunk, ends))
    begin = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(begin, len(raw)))
    touched = []

    def read(offset: int, size: int) -> bytes:
        touched.append((offset, offset + size))
        return stored[offset : offset + size]

    buffer = bytearray(end - begin)
    decode_into(entry, read, begin, memoryview(buffer), "x")
    assert bytes(buffer) == raw[begin:end]
    wanted = range(begin // chunk, -(-end // chunk)) if end > begin else range(0)
    assert touched == [entry.compression.frame(i)[:2] for i in wanted]  # type: ignore[union-attr]


@pytest.mark.parametrize(("offset", "size"), [(0, 5001), (5000, 1), (-1, 2), (5001, 0), (0, -1), (2**63, 1)])
def test_ranges_outside_are_the_callers_fault(tmp_path: Path, offset: int, size: int) -> None:
    write(tmp_path / "x", texture(5000))
    with BundleReader.open(tmp_path / "x") as reader, pytest.raises(ValueError, match="reach outside"):
        reader.read_range("packed", offset, size)


def frame(
    size: int | None, blocks: bytes, *, window_log: int | None = None, mantissa: int = 0, checksum: bool = False
) -> bytes:
    """A zstd frame made by hand, with the content size ``size`` if any."""
    descriptor = (0xC0 if size is not None else 0) | (0 if window_log else 0x20) | (4 if checksum else 0)
    window = bytes([(window_log - 10) << 3 | mantissa]) if window_log else b""
    content = b"" if size is None else struct.pack("<Q", size)
    return layout.ZSTD_MAGIC + bytes([descriptor]) + window + content + blocks


def run(size: int, *, last: bool = True) -> bytes:
    """A block of ``size`` equal bytes."""
    return struct.pack("<I", int(last) | 1 << 1 | size << 3)[:3] + b"x"


def plain(data: bytes, *, last: bool = True) -> bytes:
    """A block of bytes as they are."""
    return struct.pack("<I", int(last) | len(data) << 3)[:3] + data


GOOD = encode_chunk(memoryview(b"0123456789"))
SKIPPABLE = b"\x50\x2a\x4d\x18" + struct.pack("<I", 4) + b"skip"

# Each is one chunk that should hold 10 raw bytes.
WRONG = {
    "too many bytes declared": encode_chunk(memoryview(b"0123456789a")),
    "too few bytes declared": encode_chunk(memoryview(b"012345678")),
    "2^62 bytes declared": frame(2**62, run(10)),
    "no size declared": frame(None, run(10), window_log=10),
    "more than declared": frame(10, run(128 * 1024), window_log=20),
    "much more than declared": frame(10, run(128 * 1024, last=False) * 1000 + run(10), window_log=20),
    "less than declared": frame(10, run(9), window_log=20),
    "a window just above 128 MiB": frame(10, run(10), window_log=27, mantissa=1),
    "a window of 256 MiB": frame(10, run(10), window_log=28),
    "a window of 2 GiB": frame(10, run(10), window_log=31),
    "the largest window there is": frame(10, run(10), window_log=41),
    "a second frame": GOOD + GOOD,
    "a second frame of nothing": GOOD + encode_chunk(memoryview(b"")),
    "a skippable frame after it": GOOD + SKIPPABLE,
    "a skippable frame before it": SKIPPABLE + GOOD,
    "only a skippable frame": SKIPPABLE,
    "a byte after it": GOOD + b"\0",
    "a byte cut off": GOOD[:-1],
    "half of it": GOOD[:6],
    "only the magic": layout.ZSTD_MAGIC,
    "one byte": b"\x28",
    "another magic": b"\x28\xb5\x2f\xfe" + GOOD[4:],
    "gzip": b"\x1f\x8b\x08" + bytes(30),
    "a wrong checksum of the content": frame(10, run(10), window_log=20, checksum=True) + b"1234",
    "a reserved block type": frame(10, b"\x07\0\0", window_log=20),
    "a block larger than its window": frame(10, plain(b"x" * 2000), window_log=10),
    "a dictionary": layout.ZSTD_MAGIC + bytes([0xC0 | 0x20 | 1, 7]) + struct.pack("<Q", 10) + run(10),
}


def compressed(chunk_bytes: bytes, *, raw_size: int = 10, chunk: int = 16, count: int = 1) -> bytes:
    """A bundle with a sound model "sound" and a model "m" whose ``count`` chunks are all ``chunk_bytes``."""
    ends = [len(chunk_bytes) * (i + 1) for i in range(count)]
    table = compression_section(compression_row(1, raw_size, chunk, ends))
    return bundle([("sound", b"sound"), ("m", chunk_bytes * count)], sections=[table])


def test_the_frame_these_cases_are_made_of_is_sound(tmp_path: Path) -> None:
    for chunk_bytes in (GOOD, frame(10, run(10), window_log=20), frame(10, run(10)), frame(10, run(10), window_log=27)):
        with opened(tmp_path, compressed(chunk_bytes)) as reader:
            assert len(reader.read_model("m")) == 10


@pytest.mark.parametrize("name", WRONG)
def test_a_chunk_that_is_not_what_the_table_says(tmp_path: Path, name: str) -> None:
    with opened(tmp_path, compressed(WRONG[name])) as reader:
        assert reader.extension_error is None
        for read in (
            lambda: reader.read_model("m"),
            lambda: reader.read_range("m", 9, 1),
            lambda: reader.read_into("m", 0, memoryview(bytearray(1))),
        ):
            with pytest.raises(BundleError) as caught:
                read()
            assert caught.value.code == "decompression_failed"
            assert caught.value.path == reader.path
        assert reader.read_model("sound") == b"sound"
        report = extract_models(reader, None, tmp_path)
        assert [done.name for done in report.written] == ["sound"]
        [failure] = report.failed
        assert isinstance(failure.error, BundleError)
        assert failure.error.code == "decompression_failed"
        assert not (tmp_path / "m").exists()


def test_only_the_chunks_that_are_touched_matter(tmp_path: Path) -> None:
    chunks = GOOD + b"\0" * len(GOOD)
    table = compression_section(compression_row(0, 20, 10, [len(GOOD), 2 * len(GOOD)]))
    with opened(tmp_path, bundle([("m", chunks)], sections=[table])) as reader:
        assert reader.read_range("m", 2, 8) == b"23456789"
        with pytest.raises(BundleError):
            reader.read_range("m", 2, 9)


@pytest.mark.parametrize(
    "name", ["2^62 bytes declared", "much more than declared", "a window of 2 GiB", "the largest window there is"]
)
def test_a_bomb_takes_no_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(compressed(WRONG[name]))

    def work() -> None:
        with BundleReader.open(path) as reader, pytest.raises(BundleError):
            reader.read_model("m")

    assert peak_growth(work) <= 16 * MIB


def test_a_model_that_expands_a_thousandfold_is_as_long_as_declared(tmp_path: Path) -> None:
    size = 16 * MIB
    bomb = encode_chunk(memoryview(bytes(size)))
    assert len(bomb) < size // 1000
    with opened(tmp_path, compressed(bomb, raw_size=3 * size, chunk=size, count=3)) as reader:
        assert reader.read_range("m", size - 1, 2) == bytes(2)
        assert sum(reader.read_model("m")) == 0


def test_a_model_beyond_all_memory_is_a_limit_not_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Scarce:
        def __new__(cls, size: int) -> Scarce:
            raise MemoryError

    with opened(tmp_path, compressed(GOOD)) as reader:
        monkeypatch.setattr("apbundle.format.reader.bytes", Scarce, raising=False)
        with pytest.raises(BundleError) as caught:
            reader.read_model("m")
    assert caught.value.code == "limit_exceeded"


def test_a_chunk_with_more_stored_bytes_than_a_chunk_can_have_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "MAX_FRAME", len(GOOD))
    with opened(tmp_path, compressed(GOOD)) as reader:
        assert reader.read_model("m") == b"0123456789"
    monkeypatch.setattr(layout, "MAX_FRAME", len(GOOD) - 1)
    with opened(tmp_path, compressed(GOOD)) as reader, pytest.raises(BundleError, match="stored bytes"):
        reader.read_model("m")


def test_a_chunk_that_does_not_compress_still_fits_the_bound() -> None:
    noise = random.Random(1).randbytes(MIB)
    assert MIB < len(encode_chunk(memoryview(noise))) <= MIB + MIB // 256
    assert layout.MAX_FRAME > layout.MAX_CHUNK + layout.MAX_CHUNK // 256


def test_compressing_on_the_way(tmp_path: Path) -> None:
    data = texture(3 * layout.DEFAULT_CHUNK + 17)
    phases: dict[str, tuple[int, int]] = {}
    models = [
        NewModel("packed", BuffersSource([memoryview(data)]), compress=True),
        NewModel("nothing", BuffersSource([]), compress=True),
        NewModel("raw", BuffersSource([memoryview(b"raw")])),
    ]
    write_bundle(
        tmp_path / "x",
        models,
        WriteOptions(),
        progress=lambda phase, done, total: phases.__setitem__(phase, (done, total)),
    )
    assert phases["copy"] == (tmp_path.joinpath("x").stat().st_size,) * 2
    with BundleReader.open(tmp_path / "x") as reader:
        packed, nothing, raw = reader.manifest
        assert packed.size < len(data)
        assert (nothing.size, nothing.raw_size, nothing.compressed) == (0, 0, True)
        assert not raw.compressed
        assert reader.read_all_models() == {"packed": data, "nothing": b"", "raw": b"raw"}
        assert verify(reader).status == "verified"
        assert packed.compression is not None
        assert packed.compression.chunk == layout.DEFAULT_CHUNK
        assert len(packed.compression.ends) == 4


def test_models_without_number_compress_through_one_file(tmp_path: Path) -> None:
    with staging_file(tmp_path) as staging:
        models = [NewModel(str(n), BuffersSource([memoryview(texture(n))]), compress=n % 2 == 0) for n in range(300)]
        before = len(os.listdir("/proc/self/fd"))
        result = compressed_models(models, staging, Reporter())
        assert len(os.listdir("/proc/self/fd")) == before
        assert [model.name for model in result] == [model.name for model in models]
        write_bundle(tmp_path / "x", result, WriteOptions())
    with BundleReader.open(tmp_path / "x") as reader:
        assert reader.read_all_models() == {str(n): texture(n) for n in range(300)}
        assert [entry.compressed for entry in reader.manifest] == [True, False] * 150


def test_a_target_that_is_refused_is_refused_before_the_work(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(texture(5000))
    phases: list[str] = []
    models = [NewModel("m", FileSource(path), compress=True)]
    with pytest.raises(BundleError) as caught:
        write_bundle(path, models, WriteOptions(), progress=lambda phase, done, total: phases.append(phase))
    assert caught.value.code == "target_refused"
    with pytest.raises(FileExistsError):
        write_bundle(
            path, models, WriteOptions(), overwrite=False, progress=lambda phase, done, total: phases.append(phase)
        )
    assert set(phases) == {"plan"}
    assert path.read_bytes() == texture(5000)


def test_cancelling_while_compressing_leaves_nothing(tmp_path: Path) -> None:
    models = [NewModel("packed", BuffersSource([memoryview(texture(4 * layout.DEFAULT_CHUNK))]), compress=True)]
    asked = iter([False] * 4 + [True] * 9)
    with pytest.raises(Cancelled):
        write_bundle(tmp_path / "x", models, WriteOptions(), cancel=lambda: next(asked))
    assert list(tmp_path.iterdir()) == []


def test_the_library_knows_one_zstd() -> None:
    assert compression.zstd is zstd
