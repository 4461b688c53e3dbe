"""Whatever is built reads back, in this reader and in the reference's; whatever is opened raises nothing foreign."""

from __future__ import annotations

import itertools
import os
import random
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apbundle.errors import ERROR_CLASSES, BundleError
from apbundle.format import layout
from apbundle.format.fields import FieldTable
from apbundle.format.model import ModelMetadata
from apbundle.format.reader import BundleReader
from apbundle.format.sources import BuffersSource, NewModel, StoredSource
from apbundle.format.verify import verify
from apbundle.format.writer import WriteOptions, write_bundle
from support.faults import without_fsync
from support.forge import SHA256, bundle, entry, header, manifest, rebuilt_block, sealed, section
from support.opened import codes
from support.reference_reader import read_reference

FUZZ = int(os.environ.get("APBUNDLE_FUZZ", "3000"))
SEED = int(os.environ.get("APBUNDLE_SEED", "1"))
TOP = 2**64 - 1


@pytest.fixture(autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with without_fsync():
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("properties")


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
maps = st.dictionaries(texts, texts, max_size=2)
metadatas = st.one_of(
    st.none(), st.builds(ModelMetadata, texts, texts, maps, maps, st.lists(texts, max_size=2).map(tuple), texts)
)
sizes = st.one_of(st.sampled_from([0, 1, 63, 64, 65, 1023, 1024, 2048, 4096, 40_000]), st.integers(0, 3000))


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    size = draw(sizes)
    start = draw(st.binary(max_size=8))
    return (start * (size // max(len(start), 1) + 1))[:size] if start else bytes(size)


models = st.lists(st.tuples(texts, payloads(), metadatas, st.booleans()), max_size=6, unique_by=lambda model: model[0])
options = st.builds(
    WriteOptions,
    description=texts,
    created_at=st.one_of(st.integers(0, 2**40), st.integers(0, TOP)),
    alignment=st.sampled_from([1, 2, 16, 64, 512, 4096, 65_536]),
    digest=st.sampled_from(["xxh3-128", "sha256", None]),
    metadata=maps,
)


def new_models(given_models: list[tuple[str, bytes, ModelMetadata | None, bool]]) -> list[NewModel]:
    return [
        NewModel(name, BuffersSource([memoryview(data)]), metadata, compress)
        for name, data, metadata, compress in given_models
    ]


@given(models, options)
def test_what_is_built_reads_back(
    folder: Path, given_models: list[tuple[str, bytes, ModelMetadata | None, bool]], given_options: WriteOptions
) -> None:
    path = folder / "built"
    write_bundle(path, new_models(given_models), given_options)
    raw = path.read_bytes()
    with BundleReader.open(path) as reader:
        assert reader.extension_error is None
        assert not {"gap", "trailing_data", "stale_extension", "unknown_manifest_tail"} & set(codes(reader))
        assert reader.manifest.description == given_options.description
        assert reader.manifest.created_at == given_options.created_at
        assert reader.alignment == given_options.alignment
        assert reader.extension is not None
        assert reader.extension.bundle_metadata == given_options.metadata
        assert reader.read_all_models() == {name: data for name, data, _, _ in given_models}
        for made, (name, data, metadata, compress) in zip(reader.manifest, given_models, strict=True):
            assert (made.name, made.raw_size, made.compressed) == (name, len(data), compress)
            if metadata is not None:
                assert made.metadata == metadata or metadata.custom.get("size") == str(len(data))
            if made.size:
                assert (reader.data_offset + made.offset) % given_options.alignment == 0
        assert verify(reader).status == ("verified" if given_options.digest else "no_checksums")

        again = [NewModel(e.name, StoredSource(reader, e), e.metadata, False, e.compression) for e in reader.manifest]
        write_bundle(folder / "again", again, given_options)
    assert (folder / "again").read_bytes() == raw

    view = read_reference(raw)
    assert list(view.models) == [name for name, _, _, _ in given_models]
    assert (view.version, view.created_at, view.description) == (
        1,
        given_options.created_at,
        given_options.description,
    )
    for name, data, _, compress in given_models:
        if not compress:
            assert view.models[name] == data


@given(st.lists(st.tuples(texts, payloads()), max_size=6, unique_by=lambda model: model[0]), texts, st.integers(0, TOP))
def test_what_is_built_plain_is_what_the_reference_writes(
    folder: Path, given_models: list[tuple[str, bytes]], description: str, created_at: int
) -> None:
    path = folder / "plain"
    made = [NewModel(name, BuffersSource([memoryview(data)])) for name, data in given_models]
    write_bundle(path, made, WriteOptions(description, created_at, plain=True))
    assert path.read_bytes() == bundle(given_models, description=description.encode(), created_at=created_at)
    with BundleReader.open(path) as reader:
        assert reader.read_all_models() == dict(given_models)


edges = sorted(
    {value for power in (0, 1, 5, 8, 31, 32, 33, 62, 63, 64) for value in (2**power - 1, 2**power, 2**power + 1)}
)
numbers = st.one_of(
    st.integers(0, 40), st.sampled_from([value for value in edges if value <= TOP]), st.integers(0, TOP)
)


@settings(max_examples=300)
@given(st.lists(st.tuples(numbers, numbers), max_size=5), st.integers(0, 40))
def test_bounds_and_overlaps_are_those_of_whole_numbers(
    folder: Path, places: list[tuple[int, int]], length: int
) -> None:
    """Against the plain definition, in numbers that cannot wrap."""
    inside = all(size + offset <= length for size, offset in places)
    held = [range(offset, offset + size) for size, offset in places if size]
    apart = all(a.stop <= b.start or b.stop <= a.start for a, b in itertools.combinations(held, 2))
    path = folder / "places"
    entries = [entry(f"{i}", size, offset) for i, (size, offset) in enumerate(places)]
    path.write_bytes(bundle([], entries=entries, data=bytes(range(length))))
    try:
        with BundleReader.open(path) as reader:
            found = reader.read_all_models()
    except BundleError as error:
        assert not (inside and apart)
        assert error.code == ("out_of_bounds" if not inside else "overlap")  # noqa: PT017
    else:
        assert inside
        assert apart
        assert found == {f"{i}": bytes(range(offset, offset + size)) for i, (size, offset) in enumerate(places)}


@given(st.binary(max_size=120), st.booleans())
def test_any_bytes_are_a_bundle_or_an_error(folder: Path, data: bytes, with_magic: bool) -> None:
    path = folder / "any"
    path.write_bytes(header(max(20, len(data))) + data if with_magic else data)
    examine(path)


def examine(path: Path) -> str:
    """Open, read, list and verify; the verdict, or the code of the error. Nothing but a BundleError comes out."""
    try:
        with BundleReader.open(path) as reader:
            for made in reader.manifest:
                if made.raw_size > 1 << 24:
                    continue
                try:
                    assert len(reader.read_model(made.name)) == made.raw_size
                except BundleError as error:
                    assert error.code in READING  # noqa: PT017
            fields = FieldTable(reader)
            for field in itertools.islice(fields, 200):
                assert field.offset + field.length <= reader.file_size
            return verify(reader).status
    except BundleError as error:
        assert error.code in ERROR_CLASSES  # noqa: PT017
        assert error.offset is None or 0 <= error.offset <= path.stat().st_size  # noqa: PT017
        str(error)
        return error.code


READING = {
    "decompression_failed",
    "unsupported_feature",
    "bad_extension",
    "extension_checksum",
    "bad_metadata",
    "limit_exceeded",
}


class Mutator:
    """Damages files as accidents and attackers do."""

    NUMBERS = (*(value for value in edges if value <= TOP), 20, 63, 64, 256 * 2**20, 10**6, 16 * 2**20)

    def __init__(self, seeds: list[bytes], chance: random.Random) -> None:
        self.seeds, self.chance = seeds, chance

    def next(self) -> tuple[bytes, bytes]:
        """A seed and what became of it."""
        seed = self.chance.choice(self.seeds)
        raw = bytearray(seed)
        for _ in range(self.chance.choice([1, 1, 1, 2, 3, 8])):
            self.chance.choice([self._flip, self._number, self._cut, self._insert, self._copy, self._byte])(raw)
        mutated = bytes(raw)
        if self.chance.random() < 0.6 and b"APBXEXT1" in mutated:
            try:
                mutated = rebuilt_block(mutated, lambda inner: None)
            except (struct.error, ValueError, IndexError):
                pass
        return seed, mutated

    def _place(self, raw: bytearray) -> int:
        head = raw.find(b"APBXEXT1") + 400 if self.chance.random() < 0.8 else len(raw)
        return self.chance.randrange(max(1, min(len(raw), max(head, 200))))

    def _flip(self, raw: bytearray) -> None:
        if raw:
            raw[self._place(raw)] ^= 1 << self.chance.randrange(8)

    def _byte(self, raw: bytearray) -> None:
        if raw:
            raw[self._place(raw)] = self.chance.choice([0, 1, 0x7F, 0x80, 0xFF, 0x5B, 0x7B, 0x22])

    def _number(self, raw: bytearray) -> None:
        at, width = self._place(raw), self.chance.choice([4, 8])
        value = self.chance.choice(self.NUMBERS) & (1 << 8 * width) - 1
        raw[at : at + width] = value.to_bytes(width, "little")

    def _cut(self, raw: bytearray) -> None:
        at = self._place(raw)
        del raw[at : at + self.chance.choice([1, 4, 8, 100, len(raw)])]

    def _insert(self, raw: bytearray) -> None:
        at = self._place(raw)
        raw[at:at] = self.chance.choice([b"\0", bytes(8), b"APBXEXT1", b"\xff" * 4, b"[" * 50, bytes(raw[:40])])

    def _copy(self, raw: bytearray) -> None:
        begin, at = self._place(raw), self._place(raw)
        part = raw[begin : begin + self.chance.choice([1, 4, 8, 20, 64])]
        raw[at : at + len(part)] = part


def seeds(tests: Path) -> list[bytes]:
    """Sound bundles of all kinds, and the broken ones there are."""
    small = [path.read_bytes() for path in sorted(tests.glob("*/*.apbundle")) if path.stat().st_size < 20_000]
    one = [("a", b"0123456789abcdef"), ("b", b"xyz"), ("none", b"")]
    document = {"bundle": {"k": "v"}, "models": {"a": {"version": "1", "custom": {"x": "y"}, "more": [1, {"z": 2}]}}}
    made = [
        sealed(one, document=document, alignment=1, slack=24, others=[section(9, b"nine")]),
        sealed(one, algorithm=SHA256),
        sealed([(f"m{i}", bytes([i]) * i) for i in range(12)]),
        bundle([]),
    ]
    return small + made * 6


def test_damaged_files_raise_nothing_foreign(folder: Path, golden: Path) -> None:
    packed = folder / "packed"
    compressed = [NewModel("z", BuffersSource([memoryview(b"zip zap " * 999)]), ModelMetadata("1"), compress=True)]
    write_bundle(packed, compressed, WriteOptions(alignment=1))
    raw = packed.read_bytes()
    mutator = Mutator([*seeds(golden.parent), *[raw] * 12], random.Random(SEED))
    sound = {seed for seed in mutator.seeds if _verdict(folder, seed) == "verified"}
    seen: dict[str, int] = {}
    for number in range(FUZZ):
        seed, mutated = mutator.next()
        verdict = _verdict(folder, mutated)
        seen[verdict] = seen.get(verdict, 0) + 1
        if verdict == "verified" and mutated not in sound:
            # Only with its checksum made right again can a changed block pass, and only with the models unharmed.
            assert seed in sound, f"case {number} of seed {SEED}"
            with BundleReader.open(folder / "case") as reader:
                changed = read_reference(mutated)
                assert changed.places == read_reference(seed).places
                assert changed.models == read_reference(seed).models
                assert reader.extension_error is None
    assert len(seen) >= 10, seen


def _verdict(folder: Path, raw: bytes) -> str:
    (folder / "case").write_bytes(raw)
    return examine(folder / "case")


@given(st.integers(0, 2**32 - 1), st.integers(0, TOP), st.binary(max_size=30), st.integers(0, 2**32 - 1))
def test_any_header_and_head_of_a_manifest(
    folder: Path, version: int, created_at: int, description: bytes, count: int
) -> None:
    head = manifest([], version=version, created_at=created_at, description=description, count=count)
    path = folder / "head"
    path.write_bytes(header(len(head)) + head)
    try:
        with BundleReader.open(path) as reader:
            assert count == 0
            assert reader.manifest.to_bytes() == head
            expected = ["bad_timestamp"] * (created_at > layout.LAST_TIMESTAMP) + ["version_mismatch"] * (version != 1)
            assert codes(reader) == expected
    except BundleError as error:
        assert error.code in ("bad_utf8", "bad_count")  # noqa: PT017
