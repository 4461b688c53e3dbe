"""Reading models: exact, at any offset, from any thread, and never from a file that is not what was opened."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from apbundle.errors import BundleError
from apbundle.fileio import syscalls
from apbundle.format.manifest import BundleManifest
from apbundle.format.reader import BundleReader
from apbundle.format.sources import FileSource, NewModel
from apbundle.format.verify import verify
from apbundle.format.writer import WriteOptions, write_bundle
from support.faults import ERRORS, Fault, failing, without_fsync
from support.forge import bundle, entry, header, manifest, sealed
from support.memory import MIB, peak_growth
from support.opened import codes, opened
from support.reference_reader import read_reference

MODELS = (("a", bytes(range(256)) * 4), ("b", b"xyz"), ("none", b""))


def test_any_range(tmp_path: Path) -> None:
    data = MODELS[0][1]
    with opened(tmp_path, bundle(MODELS)) as reader:
        for offset, size in ((0, 0), (0, 1), (0, 1024), (1, 1023), (1023, 1), (1024, 0), (500, 7)):
            assert reader.read_range("a", offset, size) == data[offset : offset + size]
            buffer = bytearray(size)
            reader.read_into("a", offset, memoryview(buffer))
            assert buffer == data[offset : offset + size]
        assert reader.read_range("none", 0, 0) == b""
        for offset, size in ((0, 1025), (1024, 1), (-1, 1), (1025, 0), (0, -1), (2**64, 1)):
            with pytest.raises(ValueError, match="reach outside"):
                reader.read_range("a", offset, size)
        assert b"".join(map(bytes, reader.stored_pieces(0, reader.file_size, memoryview(bytearray(7))))) == bundle(
            MODELS
        )


def test_a_model_that_is_not_there_is_told_with_the_path(tmp_path: Path) -> None:
    with opened(tmp_path, bundle(MODELS)) as reader:
        for call in (reader.entry, reader.read_model, reader.readable_entry):
            with pytest.raises(BundleError) as caught:
                call("c")
            assert caught.value.code == "model_not_found"
            assert caught.value.path == reader.path
            assert isinstance(caught.value, KeyError)


def test_after_closing(tmp_path: Path) -> None:
    with opened(tmp_path, bundle(MODELS)) as reader:
        pass
    assert reader.manifest.model_names == ["a", "b", "none"]
    reader.close()
    with pytest.raises(BundleError) as caught:
        reader.read_model("a")
    assert caught.value.code == "closed"


@pytest.mark.parametrize("raw", [bundle(MODELS), sealed(MODELS, slack=5)])
def test_a_file_that_is_not_what_was_opened_gives_nothing(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "case.apbundle"

    def touch() -> None:
        os.utime(path, ns=(5, 5))

    def cut() -> None:
        os.truncate(path, len(raw) - 1)

    def cut_and_regrown() -> None:
        os.truncate(path, 0)
        os.truncate(path, len(raw))

    def grown() -> None:
        os.truncate(path, len(raw) + 1)

    for change in (touch, cut, cut_and_regrown, grown):
        with opened(tmp_path, raw) as reader:
            assert reader.read_model("b") == b"xyz"
            change()
            for name, _ in MODELS:
                with pytest.raises(BundleError) as caught:
                    reader.read_model(name)
                assert caught.value.code == "changed_on_disk"
                assert caught.value.path == str(path)
            buffer = bytearray(b"???")
            with pytest.raises(BundleError):
                reader.read_into("b", 0, memoryview(buffer))
            assert buffer == b"???"


def test_a_change_during_a_read_is_noticed_after_it(tmp_path: Path) -> None:
    raw = bundle(MODELS)
    preadv = syscalls.preadv
    with opened(tmp_path, raw) as reader, pytest.MonkeyPatch.context() as patch:

        def read_then_change(*arguments: object) -> int:
            count = preadv(*arguments)
            os.utime(reader.path, ns=(7, 7))
            return int(count)

        patch.setattr(syscalls, "preadv", read_then_change)
        with pytest.raises(BundleError) as caught:
            reader.read_model("a")
    assert caught.value.code == "changed_on_disk"


def test_a_file_that_another_one_replaces_stays_readable(tmp_path: Path) -> None:
    with opened(tmp_path, bundle(MODELS)) as reader:
        (tmp_path / "new").write_bytes(bundle([("a", b"other")]))
        os.replace(tmp_path / "new", reader.path)
        assert reader.read_all_models() == dict(MODELS)
        os.unlink(reader.path)
        assert reader.read_model("b") == b"xyz"


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("forever", [False, True])
def test_every_call_of_opening_and_reading_may_fail(tmp_path: Path, kind: str, forever: bool) -> None:
    path = tmp_path / "x"
    path.write_bytes(sealed(MODELS))
    failures = 0
    for at in range(1, 60):
        before = len(os.listdir("/proc/self/fd"))
        try:
            with failing(Fault(None, at, kind, forever)), BundleReader.open(path) as reader:
                models = reader.read_all_models()
                assert verify(reader).status == "verified"
        except (BundleError, OSError):
            failures += 1
        else:
            assert models == dict(MODELS)
        assert len(os.listdir("/proc/self/fd")) == before
    assert failures > 10
    with failing(Fault("preadv", 1, "short", forever=True)), BundleReader.open(path) as reader:
        assert reader.read_all_models() == dict(MODELS)


def test_threads_share_a_reader(tmp_path: Path) -> None:
    models = [(f"m{i}", bytes([i]) * 5000) for i in range(20)]
    start = threading.Barrier(4)
    with opened(tmp_path, bundle(models)) as reader:

        def work(_: int) -> bool:
            start.wait()
            return all(reader.read_model(name) == data for name, data in models)

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(work, range(4)))


def test_errors_survive_pickling(tmp_path: Path) -> None:
    with pytest.raises(BundleError) as caught:
        BundleReader.open(tmp_path)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert type(again) is type(caught.value)


def test_a_model_beyond_4_gib(tmp_path: Path) -> None:
    far = 2**32 + 7
    entries = [entry("big", 2**32 + 5, 0), entry("far", 9, far), entry("end", 0, far + 9)]
    raw = manifest(entries)
    path = tmp_path / "big"
    path.write_bytes(header(len(raw)) + raw)
    data_offset = 20 + len(raw)
    with path.open("r+b") as file:
        os.pwrite(file.fileno(), b"first", data_offset)
        os.pwrite(file.fileno(), b"last!", data_offset + 2**32)
        os.pwrite(file.fileno(), b"beyond it", data_offset + far)

    def work() -> None:
        with BundleReader.open(path) as reader:
            assert reader.entry("big").size == 2**32 + 5
            assert reader.entry("far").offset == far
            assert reader.read_model("far") == b"beyond it"
            assert reader.read_range("big", 0, 6) == b"first\0"
            assert reader.read_range("big", 2**32 - 1, 6) == b"\0last!"
            assert reader.file_size == data_offset + far + 9
            assert reader.manifest.total_size == 2**32 + 14
            assert codes(reader) == ["gap"]

    assert peak_growth(work) < 16 * MIB


class Zeros:
    """A model of zeros that ends in ``tail``, without a file."""

    path = None

    def __init__(self, size: int, tail: bytes) -> None:
        self.size, self.tail = size, tail

    def open(self) -> None: ...

    def close(self) -> None: ...

    def read_into(self, offset: int, buffer: memoryview) -> None:
        buffer[:] = bytes(len(buffer))
        begin = self.size - len(self.tail)
        if offset + len(buffer) > begin:
            buffer[begin - offset :] = self.tail


def test_a_big_bundle_is_built_flat_and_reads_at_its_far_end(tmp_path: Path) -> None:
    path = tmp_path / "big"
    sizes = {"one": 2**32 + 1000, "two": 2**26 + 5, "three": 12}
    pwrite = syscalls.pwrite

    def write_but_zeros(descriptor: int, data: memoryview, offset: int) -> int:
        """Holes stay holes: the test looks at the copying, not at the disk."""
        assert len(data) <= 4 * MIB
        return int(pwrite(descriptor, data, offset)) if np.frombuffer(data, np.uint8).any() else len(data)

    def reserve(descriptor: int, offset: int, size: int) -> None:
        os.ftruncate(descriptor, size)

    def work() -> None:
        syscalls.pwrite = write_but_zeros  # type: ignore[method-assign]
        syscalls.posix_fallocate = reserve  # type: ignore[method-assign]
        models = [NewModel(name, Zeros(size, name.encode())) for name, size in sizes.items()]
        write_bundle(path, models, WriteOptions(digest=None))

    assert peak_growth(work) < 60 * MIB
    with BundleReader.open(path) as reader:
        assert codes(reader) == []
        for model in reader.manifest:
            assert model.size == sizes[model.name]
            tail = b"\0" + model.name.encode()
            assert reader.read_range(model.name, model.size - len(tail), len(tail)) == tail
        assert reader.entry("two").offset > 2**32
        assert (reader.data_offset + reader.entry("two").offset) % (2 * MIB) == 0


def test_building_from_big_files_stays_flat(tmp_path: Path) -> None:
    for number in range(3):
        with (tmp_path / f"{number}").open("wb") as file:
            file.truncate(100 * MIB + number)

    def work() -> None:
        with without_fsync():
            models = [NewModel(f"{number}", FileSource(tmp_path / f"{number}")) for number in range(3)]
            write_bundle(tmp_path / "big", models, WriteOptions())

    assert peak_growth(work) < 60 * MIB
    with BundleReader.open(tmp_path / "big") as reader:
        assert [e.size for e in reader.manifest] == [100 * MIB + number for number in range(3)]


def test_a_hundred_thousand_models_take_work_in_proportion(tmp_path: Path) -> None:
    counts: dict[int, int] = {}
    for number in (1000, 10_000, 100_000):
        entries = [entry(f"layer.{i:06}.weight", 1, i) for i in range(number)]
        path = tmp_path / str(number)
        path.write_bytes(bundle([], entries=entries, data=bytes(number)))
        work = 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal work
            work += 1

        sys.setprofile(count)
        try:
            with BundleReader.open(path) as reader:
                assert len(reader.manifest) == number
                last = reader.read_model(f"layer.{number - 1:06}.weight")
        finally:
            sys.setprofile(None)
        assert last == b"\0"
        counts[number] = work
    assert counts[10_000] < 11 * counts[1000]
    assert counts[100_000] < 11 * counts[10_000]


def test_a_model_is_found_in_a_hundred_thousand_without_looking_at_the_others(tmp_path: Path) -> None:
    made = manifest([entry(f"m{i}", 0, 0) for i in range(100_000)])
    parsed = BundleManifest.from_bytes(made)
    made_entries = 0
    original = parsed._entry  # type: ignore[attr-defined]

    def counted(*arguments: object) -> object:
        nonlocal made_entries
        made_entries += 1
        return original(*arguments)

    parsed._entry = counted  # type: ignore[attr-defined]
    assert parsed.get_model("m99999").name == "m99999"
    assert made_entries == 1


def test_the_reference_sees_the_same(tmp_path: Path) -> None:
    for raw in (bundle(MODELS), sealed(MODELS, slack=77)):
        view = read_reference(raw)
        with opened(tmp_path, raw) as reader:
            assert view.models == reader.read_all_models()
            assert view.data_offset == reader.data_offset
            assert view.places == {e.name: (e.size, e.offset) for e in reader.manifest}
