"""Verifying: what each verdict means, and that no prefix opens and no flipped bit ever passes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from apbundle.errors import BundleError, Cancelled
from apbundle.format.model import ModelMetadata
from apbundle.format.reader import BundleReader
from apbundle.format.sources import BuffersSource, NewModel
from apbundle.format.verify import verify
from apbundle.format.writer import WriteOptions, write_bundle
from support.faults import without_fsync
from support.forge import SHA256, bundle, digest_section, patched, sealed, section
from support.opened import opened, verified

MODELS = (("a", b"0123456789abcdef"), ("b", b"xyz"), ("none", b""))


def built(**settings: object) -> Callable[[Path], None]:
    """What the library itself writes."""

    def write(path: Path) -> None:
        metadata = ModelMetadata("1", "mlp") if settings.get("described") else None
        compress = bool(settings.get("compress"))
        models = [
            NewModel("first", BuffersSource([memoryview(b"first model" * 3)]), metadata),
            NewModel("zero", BuffersSource([])),
            NewModel("second", BuffersSource([memoryview(bytes(range(100)) * 2)]), compress=compress),
        ]
        options = WriteOptions(
            description="sweep", alignment=int(str(settings.get("alignment", 16))), digest=str(settings["digest"])
        )
        write_bundle(path, models, options)

    return write


def forged(raw: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(raw) and None


SEALED = {
    "xxh3": built(digest="xxh3-128"),
    "sha256, unaligned": built(digest="sha256", alignment=1),
    "compressed": built(digest="xxh3-128", compress=True),
    "forged with metadata and slack": forged(
        sealed(
            MODELS,
            document={"bundle": {"k": "v"}, "models": {"a": {"custom": {"x": "y"}}}},
            alignment=1,
            slack=40,
            others=[section(9, b"kept")],
        )
    ),
    "forged without models": forged(sealed([], algorithm=SHA256, slack=9)),
}


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target.apbundle"


def make(case: Callable[[Path], None], target: Path) -> bytes:
    with without_fsync():
        case(target)
    return target.read_bytes()


@pytest.mark.parametrize("name", SEALED)
def test_no_single_flipped_bit_verifies(target: Path, name: str) -> None:
    raw = make(SEALED[name], target)
    with BundleReader.open(target) as reader:
        assert verify(reader).status == "verified"
    with target.open("r+b", buffering=0) as file:
        for bit in range(8 * len(raw)):
            at, mask = bit >> 3, 1 << (bit & 7)
            os.pwrite(file.fileno(), bytes([raw[at] ^ mask]), at)
            try:
                with BundleReader.open(target) as reader:
                    assert verify(reader).status == "failed", f"byte {at}, mask {mask:#x}"
            except BundleError:
                pass
            os.pwrite(file.fileno(), raw[at : at + 1], at)


def test_no_flipped_bit_of_a_large_slack_verifies(target: Path) -> None:
    raw = make(built(digest="xxh3-128", described=True), target)
    assert len(raw) > 4096
    with target.open("r+b", buffering=0) as file:
        for at in range(len(raw)):
            os.pwrite(file.fileno(), bytes([raw[at] ^ 1 << at % 8]), at)
            try:
                with BundleReader.open(target) as reader:
                    assert verify(reader).status == "failed", f"byte {at}"
            except BundleError:
                pass
            os.pwrite(file.fileno(), raw[at : at + 1], at)


PLAIN = {
    "plain": forged(bundle(MODELS, description=b"plain")),
    "plain, empty": forged(bundle([])),
    "plain, no bytes": forged(bundle([("a", b""), ("b", b"")])),
}


@pytest.mark.parametrize("name", {**SEALED, **PLAIN})
def test_every_proper_prefix_is_refused(target: Path, name: str) -> None:
    raw = make({**SEALED, **PLAIN}[name], target)
    for length in range(len(raw) - 1, -1, -1):
        os.truncate(target, length)
        with pytest.raises(BundleError):
            BundleReader.open(target)


def test_no_flipped_bit_lets_another_exception_out(target: Path) -> None:
    for name, case in PLAIN.items():
        raw = make(case, target)
        for bit in range(8 * len(raw)):
            target.write_bytes(patched(raw, bit >> 3, bytes([raw[bit >> 3] ^ 1 << (bit & 7)])))
            try:
                with BundleReader.open(target) as reader:
                    assert verify(reader).status != "verified", name
                    reader.read_all_models()
            except BundleError:
                pass


VERDICTS = {
    "plain": (bundle(MODELS), "no_checksums", []),
    "plain, zeros after": (bundle(MODELS) + bytes(9), "no_checksums", []),
    "plain, bytes after": (bundle(MODELS) + b"\0\0\1", "failed", ["trailing_data"]),
    "plain, zeros in the manifest": (bundle(MODELS, slack=bytes(4)), "no_checksums", []),
    "plain, a tail in the manifest": (bundle(MODELS, slack=b"1"), "failed", ["unknown_manifest_tail"]),
    "plain, odd but whole": (bundle([("", b"1")], created_at=2**64 - 1), "no_checksums", []),
    "sealed": (sealed(MODELS), "verified", []),
    "sealed, zeros after": (sealed(MODELS) + bytes(1), "failed", ["stale_extension"]),
    "sealed, bytes after": (sealed(MODELS) + b"1", "failed", ["stale_extension", "trailing_data"]),
    "sealed, one model damaged": (sealed(MODELS)[:-1] + b"!", "failed", ["checksum_mismatch"]),
    "sealed, two models damaged": (
        sealed(MODELS)[:-6] + b"!!!!!!",
        "failed",
        ["checksum_mismatch", "checksum_mismatch"],
    ),
    "digests alone": (bundle(MODELS, sections=[digest_section(MODELS)]), "failed", ["stale_extension"]),
    "digests alone, wrong": (
        bundle(MODELS, sections=[digest_section([("", b"?")] * 3)]),
        "failed",
        ["stale_extension"] + ["checksum_mismatch"] * 3,
    ),
    "a damaged block": (patched(sealed(MODELS), 150, b"!"), "failed", ["extension_checksum"]),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_verdicts(tmp_path: Path, name: str) -> None:
    raw, status, expected = VERDICTS[name]
    report = verified(tmp_path, raw)
    assert report.status == status
    assert [finding.code for finding in report.findings] == expected


def test_a_finding_names_the_model_and_its_place(tmp_path: Path) -> None:
    raw = sealed(MODELS)
    damaged = patched(raw, len(raw) - 1, b"!")
    report = verified(tmp_path, damaged)
    [finding] = report.findings
    assert "'b'" in finding.message
    assert finding.offset == len(raw) - 3
    assert report.sound_models == ("a", "none")


def test_a_gap_that_is_not_zero_is_found_where_it_is(target: Path) -> None:
    raw = make(built(digest="xxh3-128", alignment=4096), target)
    with BundleReader.open(target) as reader:
        end = reader.data_offset + reader.entry("first").size
        begin = reader.data_offset + reader.entry("second").offset
    for at in (end, end + 1, begin - 1):
        target.write_bytes(patched(raw, at, b"\1"))
        with BundleReader.open(target) as reader:
            assert reader.warnings == ()
            [finding] = verify(reader).findings
            assert (finding.code, finding.offset) == ("gap", at)


@pytest.mark.parametrize("raw", [sealed(MODELS, slack=99), bundle(MODELS), bundle(MODELS) + b"!" * 9, bundle([])])
def test_progress_counts_bytes_to_the_end(tmp_path: Path, raw: bytes) -> None:
    seen: list[tuple[str, int, int]] = []
    with opened(tmp_path, raw) as reader:
        verify(reader, progress=lambda *report: seen.append(report))
    assert {phase for phase, _, _ in seen} == {"verify"}
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert seen[-1][1] == seen[-1][2]


def test_it_can_be_cancelled_anywhere(tmp_path: Path) -> None:
    with opened(tmp_path, sealed(MODELS, slack=3)) as reader:
        for number in range(1, 100):
            asked = iter([False] * number + [True] * 9)
            try:
                verify(reader, cancel=lambda asked=asked: next(asked))  # type: ignore[misc]
            except Cancelled:
                continue
            break
        assert number >= 4


def test_a_file_that_changes_meanwhile_has_no_verdict(target: Path) -> None:
    raw = make(SEALED["xxh3"], target)
    with BundleReader.open(target) as reader:
        target.write_bytes(raw)  # the same bytes, but another state of the file
        os.utime(target, ns=(1, 1))
        with pytest.raises(BundleError) as caught:
            verify(reader)
        assert caught.value.code == "changed_on_disk"
    for cut in (len(raw) - 1, len(raw) // 2, 0):
        make(SEALED["xxh3"], target)
        with BundleReader.open(target) as reader:

            def cut_once(*_: object, size: int = cut) -> None:
                os.truncate(target, size)

            with pytest.raises(BundleError) as caught:
                verify(reader, progress=cut_once)
            assert caught.value.code == "changed_on_disk"
