"""Zip archives read in place: the entries Python's zipfile finds, and archives that lie about themselves."""

from __future__ import annotations

import io
import pickle
import random
import struct
import zipfile
import zlib

import pytest

from apbundle.payload import zip_directory
from apbundle.payload.byterange import ByteRange
from apbundle.payload.pytorch import archive as pytorch_archive
from apbundle.payload.tensors import PayloadError
from apbundle.payload.zip_directory import DEFLATED, Entry, data_offset, find_directory, read_entries
from support.memory import MIB, peak_growth
from support.payloads import Strict, contents
from support.torch_files import Storage, archive, pickled, tensor, zipped

NAMES = {"a/data.pkl": b"pickle", "a/data/0": bytes(100), "a/ü/é": b"x" * 1000, "empty": b""}


def payload(content: bytes) -> ByteRange:
    return ByteRange(b"", len(content), Strict(content))


def entries(content: bytes) -> list[Entry]:
    data = payload(content)
    return list(read_entries(data, find_directory(data)))


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("comment", [b"", b"c" * 0xFFFF])
@pytest.mark.parametrize("before", [b"", b"in front"])
def test_entries_as_zipfile_finds_them(compressed: bool, comment: bytes, before: bytes):
    stream = io.BytesIO()
    stream.write(before)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as file:
        for name, content in NAMES.items():
            file.writestr(name, content)
        with file.open("large", "w", force_zip64=True) as entry:
            entry.write(b"y" * 10)
        file.comment = comment
    whole = stream.getvalue()
    data = payload(whole)
    with zipfile.ZipFile(io.BytesIO(whole)) as file:
        found = entries(whole)
        assert [entry.name for entry in found] == file.namelist()
        for entry, info in zip(found, file.infolist(), strict=True):
            assert (entry.method, entry.packed_size, entry.size) == (
                info.compress_type,
                info.compress_size,
                info.file_size,
            )
            assert (entry.header, entry.crc, entry.flags) == (info.header_offset, info.CRC, info.flag_bits)
            begin = data_offset(data, entry)
            packed = whole[begin : begin + entry.packed_size]
            assert (zlib.decompress(packed, -15) if entry.method == DEFLATED else packed) == file.read(info)


def test_sizes_of_64_bits():
    """The directory of an archive of 8 GiB, whose entries say in their extra fields how large they are."""
    size, header = 5 << 30, 6 << 30
    extra = struct.pack("<HH", 9, 2) + b"xx" + struct.pack("<HHQQQ", 1, 24, size, size, header)
    entry = struct.pack("<4s16xIIHHH8xI", b"PK\x01\x02", *[0xFFFFFFFF] * 2, 1, len(extra), 0, 0xFFFFFFFF) + b"a" + extra
    begin = 8 << 30
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(entry), begin)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, begin + len(entry), 1)
    tail = entry + end64 + locator + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1, 1, *[0xFFFFFFFF] * 2, 0)

    def read(offset: int, length: int) -> bytes:
        place = offset - begin
        return tail[max(place, 0) : place + length].rjust(length, b"\0")

    data = ByteRange(b"", begin + len(tail), read)
    directory = find_directory(data)
    assert (directory.begin, directory.shift, directory.count) == (begin, 0, 1)
    (found,) = read_entries(data, directory)
    assert (found.name, found.size, found.packed_size, found.header) == ("a", size, size, header)


BASE = zipped(NAMES)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data[:-30], "no end record"),
        (lambda data: data[:-10] + struct.pack("<II", 2**31, 0) + data[-2:], "past its own end"),
        (
            lambda data: data[:-12] + struct.pack("<HII", 9, *struct.unpack("<II", data[-10:-2])) + b"\0\0",
            "4 entries, not 9",
        ),
        (lambda data: data.replace(b"PK\x01\x02", b"PK\x01\x03", 1), "the directory is damaged"),
        (lambda data: b"PK\x05\x06" + bytes(10), "it was cut short"),
    ],
)
def test_a_damaged_directory(change: object, said: str):
    content = change(BASE)  # type: ignore[operator]
    with pytest.raises(PayloadError, match=said):
        entries(content)


def test_limits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(zip_directory, "MAX_ENTRIES", 3)
    with pytest.raises(PayloadError, match="more than 3 entries"):
        entries(BASE)
    monkeypatch.setattr(zip_directory, "MAX_DIRECTORY", 30)
    with pytest.raises(PayloadError, match="at most 30 are read"):
        entries(BASE)
    monkeypatch.undo()
    monkeypatch.setattr(pytorch_archive, "MAX_ENTRIES", 2)
    assert "more than 2 entries" in contents(BASE, "pytorch").findings[-1].message
    monkeypatch.setattr(pytorch_archive, "MAX_DIRECTORY", 100)
    assert "more than 100 bytes" in contents(BASE, "pytorch").findings[-1].message


def test_prefixes_and_flips_of_archives():
    value = {"x": tensor(Storage("FloatStorage", "0", 2), (2,), (1,))}
    for content in (archive(value, {"0": bytes(8)}), archive(value, {"0": bytes(8)}, compressed=True)):
        for size in range(0, len(content), 3):
            assert not contents(content[:size], "pytorch").complete
        rng = random.Random(2)
        for _ in range(400):
            damaged = bytearray(content)
            for _ in range(rng.randrange(1, 4)):
                damaged[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            for info in contents(bytes(damaged), "pytorch").tensors:
                assert 0 <= info.offset <= info.offset + info.size <= len(content)


def test_entries_within_entries():
    """One piece of data under many names is how small archives become large ones: it is said, and nothing unpacked."""
    content = bytearray(zipped({"m/data.pkl": pickled({}), "m/data/0": bytes(100), "m/data/1": bytes(100)}))
    second = content.rfind(b"PK\x01\x02")
    first = content.rfind(b"PK\x01\x02", 0, second)
    content[second + 42 : second + 46] = struct.pack("<I", struct.unpack_from("<I", content, first + 42)[0] + 4)
    found = contents(bytes(content))
    assert "lies within another" in "\n".join(finding.message for finding in found.findings)


def test_a_pickle_that_unpacks_to_more_than_is_read():
    stream = zlib.compressobj(1, zlib.DEFLATED, -15)
    zeros = bytes(1 << 20)
    packed = b"".join(stream.compress(zeros) for _ in range(200)) + stream.flush()
    small = bytearray(zipped({"m/data.pkl": packed}))
    for place, header in ((small.find(b"PK\x03\x04"), 8), (small.rfind(b"PK\x01\x02"), 10)):
        struct.pack_into("<H", small, place + header, DEFLATED)
    found = contents(bytes(small))
    assert "unpacked to more than 67,108,864 bytes" in found.findings[0].message
    assert peak_growth(lambda: contents(bytes(small))) < 160 * MIB


def test_compressed_pickles_are_followed():
    hidden = pickle.dumps(print, 4)
    found = contents(zipped({"m/data.pkl": pickled({}), "m/extra.pkl": hidden}, compressed=True))
    assert ("would import", "builtins.print") in found.facts
    assert "import builtins.print, which can run anything" in found.findings[0].message
