"""Reading all entries at once says what reading them one by one says: the same entries, or the same first fault."""

from __future__ import annotations

import os
import pickle
import random
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apbundle.errors import BundleError
from apbundle.format import hashing, scanning
from apbundle.format import manifest as manifests
from apbundle.format.entries import Entries, read_entries
from apbundle.format.hashing import LONG, HashTable, hash_names, name_hash, unaligned
from apbundle.format.manifest import BundleManifest, parse_manifest
from apbundle.format.model import ModelEntry
from apbundle.format.packed_names import PackedNames
from apbundle.format.reader import BundleReader
from apbundle.format.scanning import scan_entries
from support.forge import bundle, entry, manifest, patched, sealed, u32

MUTATIONS = int(os.environ.get("APBUNDLE_MUTATIONS", "1500"))
SEED = int(os.environ.get("APBUNDLE_SEED", "1"))
HEAD = 20
TOP = 2**64 - 1


class Fault(Exception):
    """The first fault: its code and its place."""


def fail(code: str, message: str, at: int) -> NoReturn:
    raise Fault(code, message, at)


def one_by_one(data: bytes, count: int) -> Entries | Fault:
    try:
        return read_entries(data, HEAD, count, fail)
    except Fault as fault:
        return fault


def check_alike(data: bytes, count: int) -> None:
    """Both ways through ``count`` entries after a head of 20 bytes."""
    expected, found = one_by_one(data, count), scan_entries(data, HEAD, count)
    if isinstance(expected, Fault):
        assert found is None, expected
        return
    assert found is not None
    assert isinstance(found.names, PackedNames)
    assert list(found.names) == list(expected.names)
    for column in ("sizes", "offsets", "bounds"):
        assert list(getattr(found, column)) == list(getattr(expected, column))
    assert found.names.odd() == expected.names.odd()
    for number, name in enumerate(expected.names):
        assert found.names.number(name) == number
        assert found.names[number] == name
        for other in (name + "x", name[1:], "\0" + name):
            assert found.names.number(other) == expected.names.number(other)


def numbered(count: int) -> list[bytes]:
    return [b"layers.%d.weight" % i for i in range(count)]


def names_of(seed: int, count: int) -> list[bytes]:
    """Names as they come: numbered, layer by layer, at random, in any script, and now and then a long one."""
    rng = random.Random(seed)
    kind = rng.randrange(5)
    if kind == 0:
        return numbered(count)
    if kind == 1:
        parts = [str(rng.randrange(10 ** rng.randrange(1, 9))) for _ in range(rng.randrange(2, 14))]
        return [f"{i // len(parts)}.{parts[i % len(parts)]}.{i % len(parts)}".encode() for i in range(count)]
    alphabet = ["ab\0\x7f\x1f ~", "aé", "aü€\U0001f600\u202e\x85"][kind - 2]
    made = {"".join(rng.choices(alphabet, k=rng.choice((0, 3, 7, 8, 9, 15, 16, 17, 40, 250)))) for _ in range(count)}
    made |= {"n" * size for size in rng.sample((255, 256, 257, 511, 512, 1000, 65_535), k=rng.randrange(3))}
    return [name.encode() for name in rng.sample(sorted(made), k=len(made))]


def manifest_of(seed: int, count: int) -> tuple[bytes, int]:
    entries = [entry(name, i, 3 * i) for i, name in enumerate(names_of(seed, count))]
    return manifest(entries), len(entries)


@pytest.mark.parametrize("seed", range(20))
def test_sound_entries_are_the_same_either_way(seed: int) -> None:
    for count in (1, 2, 300, 3000):
        data, number = manifest_of(seed, count)
        check_alike(data, number)
        check_alike(data + b"tail", number)


short_names = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(str.encode),
    st.binary(max_size=12),
    st.integers(0, 9).map(lambda i: b"m%d" % i),
    st.sampled_from([b"n" * 255, b"n" * 256, b"n" * 300]),
)


@given(st.lists(short_names, min_size=1, max_size=40), st.integers(0, 30))
def test_any_names_are_taken_or_refused_either_way(names: list[bytes], cut: int) -> None:
    data = manifest([entry(name, i, TOP - i) for i, name in enumerate(names)])
    check_alike(data, len(names))
    if cut and len(data) - cut >= HEAD:
        check_alike(data[:-cut], len(names))


def mutated(raw: bytes, rng: random.Random) -> bytes:
    """``raw`` with some fault in it that its entries may or may not survive."""
    at = rng.randrange(HEAD, len(raw))
    match rng.randrange(6):
        case 0:
            return patched(raw, at, bytes([raw[at] ^ 1 << rng.randrange(8)]))
        case 1:
            return patched(raw, at, rng.choice((b"\xff", b"\0", b"\x80", b"\n", u32(rng.choice((0, 7, 255, 2**16))))))
        case 2:
            return raw[:at] + raw[at + rng.randrange(1, 30) :]
        case 3:
            return raw[:at] + rng.randbytes(rng.randrange(1, 30)) + raw[at:]
        case 4:
            start = rng.randrange(HEAD, len(raw))
            return raw[:at] + raw[start : start + 60] + raw[at + 60 :]
        case _:
            return raw[:at]


def outcome(raw: bytes, path: Path) -> Any:
    """All that opening ``raw`` says: the error with its place, or the models and the warnings."""
    path.write_bytes(raw)
    try:
        with BundleReader.open(path) as reader:
            models = [(model.name, model.size, model.offset) for model in reader.manifest]
            return models, list(reader.bounds), reader.warnings, str(reader.extension_error)
    except BundleError as error:
        return error.code, error.offset, error.message


def test_damaged_files_say_the_same_either_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(SEED)
    whole = []
    for seed in range(10):
        models = [(name, b"x" * (i % 3)) for i, name in enumerate(names_of(seed, 12)) if len(name) < 1000]
        whole += [bundle(models, slack=bytes(5)), sealed(models)]
    seen = set()
    for _ in range(MUTATIONS):
        raw = mutated(rng.choice(whole), rng)
        said = []
        for many in (1, 10**9):
            monkeypatch.setattr(manifests, "MANY", many)
            said.append(outcome(raw, tmp_path / "case.apbundle"))
        assert said[0] == said[1]
        seen.add(said[0][0] if isinstance(said[0][0], str) else "sound")
    assert seen >= {"sound", "bad_manifest", "bad_utf8", "bad_count", "duplicate_name", "out_of_bounds", "overlap"}


@pytest.mark.parametrize("count", [700, 20_000])
def test_one_fault_among_many_is_found_at_its_place(count: int) -> None:
    entries = [entry(f"layers.{i}.weight", 5, 5 * i) for i in range(count)]
    for number in (0, 1, count // 2, count - 1):
        for broken, code, place in (
            (entry(b"ok\xff", 5, 5), "bad_utf8", 6),
            (entry(f"layers.{(number + 1) % count}.weight", 5, 5), "duplicate_name", None),
            (entry(b"a", 5, 5, name_length=2**32 - 1), "bad_manifest", 0),
            (entry(b"n" * 65_536, 5, 5), "limit_exceeded", 0),
        ):
            changed = [*entries[:number], broken, *entries[number + 1 :]]
            with pytest.raises(BundleError) as caught:
                parse_manifest(manifest(changed))
            assert caught.value.code == code
            if place is not None:
                assert caught.value.offset == HEAD + sum(map(len, changed[:number])) + place


def test_hashes_of_many_are_the_hashes_of_each() -> None:
    for seed in range(10):
        names = names_of(seed, 500)
        data = b"before it" * 3 + b"".join(names)
        sizes = np.array([len(name) for name in names], np.int64)
        ends = 27 + np.cumsum(sizes)
        tails = unaligned(data, "V24")[ends - 24].view("<u8").reshape(-1, 3)
        hashes, suspect = hash_names(data, ends - sizes, sizes, tails)
        assert hashes.tolist() == [name_hash(name) for name in names]
        plain = [len(name) < LONG and all(0x20 <= byte < 0x7F for byte in name) for name in names]
        assert (~suspect).tolist() == plain


def test_like_names_have_unlike_hashes() -> None:
    names = {f"{i:x}" + "m" * (i % 40) for i in range(50_000)} | {f"layers.{i}.{i:08}.{i}" for i in range(50_000)}
    assert len({name_hash(name.encode()) for name in names}) == len(names)


def test_a_table_of_hashes_that_share_their_upper_bits() -> None:
    values = [7 << 58 | i for i in range(100)] + [i << 50 | 1 for i in range(100)]
    table = HashTable.of(np.array(values, np.uint64))
    assert table is not None
    for number, value in enumerate(values):
        found = list(table.candidates(value))
        assert number in found
        assert len(found) <= 2
    assert HashTable.of(np.array([*values, values[0]], np.uint64)) is None
    assert HashTable.of(np.array([5, 5 << 1, 5 << 1], np.uint64)) is None


def test_equal_hashes_cost_time_but_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_MULTIPLIER", 0)
    names = numbered(1000)
    data = manifest([entry(name, 0, 0) for name in names])
    assert scan_entries(data, HEAD, 1000) is None
    assert BundleManifest.from_bytes(data).model_names == [name.decode() for name in names]


def test_guesses_never_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "_FEWEST_STEPS", 30)
    for seed in range(10):
        check_alike(*manifest_of(seed, 1000))
    lengths = [9] * 100 + [8, 9] * 100 + [9] * 100 + [0] * 100
    names = [f"{i:0{size}}".encode() if size else b"" for i, size in enumerate(lengths)]
    check_alike(manifest([entry(name, 0, 0) for name in names[:-99]]), len(names) - 99)
    check_alike(manifest([entry(name, 0, 0) for name in names]), len(names))


def test_many_names_are_found_and_more_can_be_added() -> None:
    data, count = manifest([entry(name, i, i) for i, name in enumerate(numbered(1000))]), 1000
    read = BundleManifest.from_bytes(data)
    assert isinstance(read.names, PackedNames)
    assert read.names[-1] == "layers.999.weight"
    assert read.names[3:9:2] == ["layers.3.weight", "layers.5.weight", "layers.7.weight"]
    for index in (count, -count - 1):
        with pytest.raises(IndexError):
            read.names[index]
    assert "layers.5.weight" in read
    for absent in ("layers.5", "\ud800", "", 5, None):
        assert absent not in read
    assert pickle.loads(pickle.dumps(read)).model_names == read.model_names
    assert read.to_bytes() == data
    read.add_model(ModelEntry("more", 2, 1))
    assert list(read) == [*BundleManifest.from_bytes(data), ModelEntry("more", 2, 1)]
    assert read.number("more") == 1000
    assert BundleManifest.from_bytes(read.to_bytes()).model_names == read.model_names
