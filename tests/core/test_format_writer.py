"""Writing: the same bytes for the same models, nothing that cannot be read back, and no input that changed."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apbundle.errors import BundleError, Cancelled
from apbundle.fileio import syscalls
from apbundle.format import layout
from apbundle.format.extension import Section
from apbundle.format.model import ModelMetadata
from apbundle.format.reader import BundleReader
from apbundle.format.sources import BuffersSource, FileSource, NewModel
from apbundle.format.verify import verify
from apbundle.format.writer import WriteOptions, plan_models, write_bundle
from support.faults import without_fsync
from support.forge import CREATED_AT, bundle, patched
from support.opened import codes
from support.reference_reader import read_reference

MIB = 1 << 20
OLD = b"what was there before"


@pytest.fixture(autouse=True)
def _spare_the_disk() -> Iterator[None]:
    with without_fsync():
        yield


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A destination, with something there already, in a folder of its own."""
    folder = tmp_path / "out"
    folder.mkdir()
    path = folder / "target.apbundle"
    path.write_bytes(OLD)
    return path


def model(name: str, data: bytes = b"data", **settings: object) -> NewModel:
    return NewModel(name, BuffersSource([memoryview(data)]), **settings)  # type: ignore[arg-type]


def untouched(target: Path) -> bool:
    """Whether the destination is as it was and alone."""
    return target.read_bytes() == OLD and os.listdir(target.parent) == [target.name]


def test_a_bundle_is_its_models(target: Path) -> None:
    data = {"first": b"1" * 1000, "none": b"", "größer": bytes(range(256)) * 300, "last": b"x"}
    options = WriteOptions("what it is", CREATED_AT)
    written = write_bundle(target, [model(name, raw) for name, raw in data.items()], options)
    assert written == str(target)
    with BundleReader.open(target) as reader:
        assert reader.read_all_models() == data
        assert reader.warnings == ()
        assert reader.alignment == 64
        assert reader.manifest.description == "what it is"
        assert reader.manifest.created_at == CREATED_AT
        assert verify(reader).status == "verified"
    view = read_reference(target)
    assert view.models == data
    assert (view.version, view.created_at, view.description) == (1, CREATED_AT, "what it is")


def test_a_plain_bundle_is_what_the_format_says_and_no_more(target: Path) -> None:
    models = [("a", b"0123"), ("none", b""), ("b", b"456")]
    write_bundle(target, [model(*m) for m in models], WriteOptions("d", CREATED_AT, plain=True))
    assert target.read_bytes() == bundle(models, description=b"d")


@pytest.mark.parametrize("digest", ["xxh3-128", "sha256", None])
def test_a_bundle_without_models(target: Path, digest: str | None) -> None:
    write_bundle(target, [], WriteOptions(digest=digest))
    with BundleReader.open(target) as reader:
        assert len(reader.manifest) == 0
        assert verify(reader).status == ("no_checksums" if digest is None else "verified")
        assert reader.data_offset == reader.file_size
        assert reader.data_offset % 64 == 0
    write_bundle(target, [], WriteOptions(created_at=CREATED_AT, plain=True))
    assert target.read_bytes() == bundle([])


def test_without_digests_there_is_no_binding(target: Path) -> None:
    write_bundle(target, [model("a")], WriteOptions(digest=None))
    with BundleReader.open(target) as reader:
        assert reader.extension is not None
        assert reader.extension.binding is None
        assert [finding.code for finding in reader.warnings] == ["no_checksums"]


def test_what_is_written_is_the_same_every_time(tmp_path: Path) -> None:
    metadata = ModelMetadata("1", "mlp", {"b": "1", "a": "2"}, {"z": "é"}, ("x", "y"), "apr")
    same = ModelMetadata("1", "mlp", {"a": "2", "b": "1"}, {"z": "é"}, ("x", "y"), "apr")
    for number, given in enumerate((metadata, same)):
        models = [model("m", b"x" * 5000, metadata=given), model("n", b"y" * 70, compress=True)]
        options = WriteOptions("d", CREATED_AT, metadata={"k": "v", "a": "b"} if number else {"a": "b", "k": "v"})
        write_bundle(tmp_path / f"{number}", models, options)
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()


def test_metadata_leaves_room_to_grow(target: Path) -> None:
    write_bundle(target, [model("a", metadata=ModelMetadata("1"))], WriteOptions())
    with BundleReader.open(target) as reader:
        assert reader.extension_range is not None
        assert reader.data_offset - reader.extension_range[1] >= 4096
        assert reader.entry("a").metadata == ModelMetadata("1")
    write_bundle(target, [model("a", metadata=ModelMetadata.fresh(4))], WriteOptions())
    with BundleReader.open(target) as reader:
        assert reader.extension_range is not None
        assert reader.data_offset - reader.extension_range[1] < 64
        assert reader.entry("a").metadata == ModelMetadata()


def test_sections_ascend_and_unknown_ones_are_kept(target: Path) -> None:
    unknown = (Section(9, 0, 0, b"nine"), Section(2, 0, 0, b"two"))
    models = [model("a", metadata=ModelMetadata("1")), model("b", compress=True)]
    write_bundle(target, models, WriteOptions(unknown=unknown, extra={"tool": ["x"]}))
    with BundleReader.open(target) as reader:
        assert reader.extension is not None
        assert [(s.tag, s.payload) for s in reader.extension.unknown] == [(2, b"two"), (9, b"nine")]
        assert reader.extension.extra == {"tool": ["x"]}
        raw = reader.manifest_bytes[reader.entries_end :]
    tags, at = [], 32
    for _ in range(int.from_bytes(raw[12:16], "little")):
        tags.append(int.from_bytes(raw[at : at + 4], "little"))
        at += 16 + layout.round_up(int.from_bytes(raw[at + 8 : at + 16], "little"), 8)
    assert tags == [1, 2, 3, 4, 5, 6, 9]


def test_models_are_written_in_large_aligned_pieces(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[tuple[int, int]] = []
    pwrite = syscalls.pwrite

    def spy(descriptor: int, data: memoryview, offset: int) -> int:
        writes.append((offset, offset + len(data)))
        return int(pwrite(descriptor, data, offset))

    monkeypatch.setattr(syscalls, "pwrite", spy)
    sizes = [1000, 5 * MIB, 0, 12 * MIB + 7, 3]
    write_bundle(target, [model(f"{i}", bytes(size)) for i, size in enumerate(sizes)], WriteOptions())
    *pieces, head = writes
    with BundleReader.open(target) as reader:
        assert head == (0, reader.data_offset)
        assert pieces[0][0] == reader.data_offset
        assert pieces[-1][1] == reader.file_size
    for (_, end), (begin, _) in itertools.pairwise(pieces):
        assert begin == end
        assert end % (4 * MIB) == 0
    assert len(pieces) == 5


def test_progress_names_phases_and_reaches_its_end(target: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    models = [model("a", bytes(9 * MIB)), model("b", bytes(MIB), compress=True)]
    write_bundle(target, models, WriteOptions(), progress=lambda *report: seen.append(report))
    phases = list(dict.fromkeys(phase for phase, _, _ in seen))
    assert phases == ["plan", "compress", "reserve", "copy", "check", "publish"]
    for phase in ("compress", "copy"):
        counts = [(done, total) for name, done, total in seen if name == phase]
        assert counts == sorted(counts)
        assert counts[-1][0] == counts[-1][1] > 0


def test_it_can_be_cancelled_at_every_question(target: Path) -> None:
    models = [model("a", bytes(9 * MIB)), model("b", b"x", compress=True)]
    for number in range(100):
        asked = iter([False] * number + [True] * 9)
        try:
            write_bundle(target, models, WriteOptions(), cancel=lambda asked=asked: next(asked))  # type: ignore[misc]
        except Cancelled:
            assert untouched(target)
            continue
        break
    assert 8 < number < 99


REFUSED: dict[str, tuple[Callable[[], list[NewModel]], WriteOptions, str]] = {
    "two models of one name": (lambda: [model("a"), model("b"), model("a")], WriteOptions(), "duplicate_name"),
    "a name of 65,536 bytes": (lambda: [model("x" * 65_536)], WriteOptions(), "limit_exceeded"),
    "a name of 65,538 bytes in 32,769 characters": (lambda: [model("é" * 32_769)], WriteOptions(), "limit_exceeded"),
    "metadata above 4 MiB": (
        lambda: [model("a", metadata=ModelMetadata("x" * layout.MAX_METADATA))],
        WriteOptions(),
        "limit_exceeded",
    ),
    "plain with metadata": (
        lambda: [model("a", metadata=ModelMetadata("1"))],
        WriteOptions(plain=True),
        "unsupported_feature",
    ),
    "plain with compression": (lambda: [model("a", compress=True)], WriteOptions(plain=True), "unsupported_feature"),
    "plain with metadata of the bundle": (list, WriteOptions(plain=True, metadata={"a": "b"}), "unsupported_feature"),
    "plain with unknown metadata": (list, WriteOptions(plain=True, extra={"a": 1}), "unsupported_feature"),
    "plain with unknown sections": (
        list,
        WriteOptions(plain=True, unknown=(Section(9, 0, 0, b""),)),
        "unsupported_feature",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_stored_is_refused_before_anything_is_written(target: Path, name: str) -> None:
    models, options, code = REFUSED[name]
    with pytest.raises(BundleError) as caught:
        write_bundle(target, models(), options)
    assert caught.value.code == code
    assert untouched(target)


def test_plain_stores_what_says_nothing(target: Path) -> None:
    write_bundle(target, [model("a", metadata=ModelMetadata.fresh(4))], WriteOptions(plain=True))
    assert read_reference(target).models == {"a": b"data"}


@pytest.mark.parametrize(
    "settings",
    [
        {"alignment": 0},
        {"alignment": 3},
        {"alignment": 2 * MIB},
        {"digest": "md5"},
        {"digest": ""},
        {"created_at": -1},
        {"created_at": 2**64},
        {"description": "\ud800"},
    ],
)
def test_wrong_options_are_value_errors(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        WriteOptions(**settings)  # type: ignore[arg-type]


def test_a_description_above_the_limit() -> None:
    WriteOptions("x" * layout.MAX_DESCRIPTION)
    with pytest.raises(BundleError) as caught:
        WriteOptions("x" * (layout.MAX_DESCRIPTION + 1))
    assert caught.value.code == "limit_exceeded"


def test_a_name_that_has_no_utf8_form_is_a_value_error(target: Path) -> None:
    with pytest.raises(ValueError, match="surrogates"):
        write_bundle(target, [model("\ud800")], WriteOptions())
    assert untouched(target)


def test_odd_names_are_written_and_warned_about(target: Path) -> None:
    names = ["", "../../etc/passwd", "con", "a\0b", "x" * 65_535]
    write_bundle(target, [model(name) for name in names], WriteOptions())
    with BundleReader.open(target) as reader:
        assert reader.manifest.model_names == names
        assert codes(reader) == ["control_in_name", "empty_name"]
        assert verify(reader).status == "verified"


def test_too_many_models(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "MAX_MODELS", 2)
    write_bundle(target, [model("a"), model("b")], WriteOptions())
    with pytest.raises(BundleError) as caught:
        write_bundle(target, [model("a"), model("b"), model("c")], WriteOptions())
    assert caught.value.code == "limit_exceeded"


def test_a_plan_is_what_is_written(target: Path) -> None:
    models = [model("a", bytes(100_000)), model("b", b""), model("c", b"123", metadata=ModelMetadata("1"))]
    for options in (WriteOptions(), WriteOptions(alignment=4096), WriteOptions(digest=None)):
        plan = plan_models(models, options)
        write_bundle(target, models, options)
        with BundleReader.open(target) as reader:
            assert plan.file_size == reader.file_size
            assert plan.data_offset == reader.data_offset
            assert list(plan.offsets) == reader.manifest.offsets


def test_the_destination_is_no_input(tmp_path: Path, target: Path) -> None:
    linked = tmp_path / "linked"
    os.link(target, linked)
    symbolic = tmp_path / "symbolic"
    symbolic.symlink_to(target)
    for path in (target, linked, symbolic):
        with pytest.raises(BundleError) as caught:
            write_bundle(target, [NewModel("a", FileSource(path))], WriteOptions())
        assert caught.value.code == "target_refused"
        assert untouched(target)
    with pytest.raises(BundleError) as caught:
        write_bundle(symbolic, [NewModel("a", FileSource(target))], WriteOptions())
    assert caught.value.code == "target_refused"


def test_destinations_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo", Path("/dev/null")):
        with pytest.raises(BundleError) as caught:
            write_bundle(path, [model("a")], WriteOptions())
        assert caught.value.code == "target_refused"
    with pytest.raises(FileNotFoundError):
        write_bundle(tmp_path / "none" / "x", [model("a")], WriteOptions())
    with pytest.raises(FileNotFoundError):
        write_bundle(tmp_path / "none" / "x", [model("a", compress=True)], WriteOptions())


def test_a_link_is_written_through(tmp_path: Path, target: Path) -> None:
    target.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(target)
    assert write_bundle(link, [model("a")], WriteOptions()) == str(target)
    assert link.is_symlink()
    assert read_reference(target).models == {"a": b"data"}
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_what_exists_is_kept_when_asked(target: Path) -> None:
    with pytest.raises(FileExistsError):
        write_bundle(target, [model("a")], WriteOptions(), overwrite=False)
    assert untouched(target)


def test_a_written_file_that_reads_back_differently_is_not_published(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite = syscalls.pwrite
    for at, wrong in ((0, b"X"), (8, b"\2"), (25, b"\1"), (37, b"\2"), (60, b"\xff"), (120, b"\1")):

        def damaged(descriptor: int, data: memoryview, offset: int, at: int = at, wrong: bytes = wrong) -> int:
            raw = bytes(data)
            return int(pwrite(descriptor, memoryview(patched(raw, at, wrong) if offset == 0 else raw), offset))

        with monkeypatch.context() as patch:
            patch.setattr(syscalls, "pwrite", damaged)
            with pytest.raises((BundleError, OSError)):
                write_bundle(target, [model("a"), model("b")], WriteOptions())
        assert untouched(target)
