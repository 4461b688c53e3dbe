"""Broken and hostile files: each is refused, or read as far as that is safe, with exactly the right words."""

from __future__ import annotations

import json
import os
import resource
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from apbundle import ModelBundle
from apbundle.errors import BundleError
from apbundle.format.reader import BundleReader
from apbundle.format.verify import verify
from support.children import run_forked
from support.leaks import Holdings
from support.opened import codes

CORPUS = Path(__file__).parent.parent / "malformed"
CASES: dict[str, dict[str, Any]] = json.loads((CORPUS / "expected.json").read_text())
OPENING = [name for name, case in CASES.items() if case["opens"]]
REFUSED = [name for name, case in CASES.items() if not case["opens"]]
MIB = 1024 * 1024


def test_every_file_of_the_corpus_has_its_expectation() -> None:
    assert {path.name for path in CORPUS.glob("*.apbundle")} == {case["file"] for case in CASES.values()}
    assert len(CASES) >= 57


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_read_is_refused(name: str) -> None:
    path = CORPUS / CASES[name]["file"]
    with pytest.raises(BundleError) as caught:
        BundleReader.open(path)
    error = caught.value
    assert error.code == CASES[name]["error"]
    assert error.path == str(path)
    assert error.offset is not None
    assert 0 <= error.offset <= path.stat().st_size
    assert error.hint or error.code == "not_a_bundle"


@pytest.mark.parametrize("name", OPENING)
def test_a_file_that_can_be_read_says_what_is_odd(name: str) -> None:
    case = CASES[name]
    with BundleReader.open(CORPUS / case["file"]) as reader:
        error = reader.extension_error
        assert (error and error.code) == case["extension_error"]
        if case["warnings"] is not None:
            assert codes(reader) == sorted(case["warnings"])
        report = verify(reader)
        if "verify" in case:
            assert report.status == case["verify"]
        if error is not None:
            assert error.offset is not None
            assert error.hint
            assert report.status == "failed"
            assert error.code in {finding.code for finding in report.findings}


@pytest.mark.parametrize("name", OPENING)
def test_what_opens_gives_its_models_or_a_reason(name: str) -> None:
    with BundleReader.open(CORPUS / CASES[name]["file"]) as reader:
        unsupported = CASES[name]["extension_error"] == "unsupported_feature"
        for entry in reader.manifest:
            if unsupported:
                with pytest.raises(BundleError) as caught:
                    reader.read_model(entry.name)
                assert caught.value.code == "unsupported_feature"
            else:
                assert len(reader.read_model(entry.name)) == entry.raw_size


@pytest.mark.parametrize("name", CASES)
def test_opening_takes_little_memory_and_leaves_nothing_open(name: str) -> None:
    before = Holdings.now()
    tracemalloc.start()
    try:
        with BundleReader.open(CORPUS / CASES[name]["file"]):
            pass
    except BundleError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 16 * MIB
    assert not before.left_over(wait=0)


@pytest.mark.parametrize("name", OPENING)
def test_a_bundle_as_an_object_says_the_same(name: str) -> None:
    case = CASES[name]
    with ModelBundle.load(CORPUS / case["file"]) as bundle:
        assert (bundle.extension_error and bundle.extension_error.code) == case["extension_error"]
        assert bundle.model_names == bundle.reader.manifest.model_names
        for model in bundle:
            if case["extension_error"] == "unsupported_feature":
                with pytest.raises(BundleError) as caught:
                    bundle.get_model(model)
                assert caught.value.code == "unsupported_feature"
            else:
                assert bundle.get_model(model) == bundle.reader.read_model(model)


def test_numbers_that_lie_allocate_nothing() -> None:
    """Every file opens, or is refused, where hardly any more memory can be had."""

    def work() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        room = pages * os.sysconf("SC_PAGE_SIZE") + 64 * MIB
        resource.setrlimit(resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
        for case in CASES.values():
            try:
                BundleReader.open(CORPUS / case["file"]).close()
            except BundleError as error:
                assert error.code == case["error"]  # noqa: PT017

    assert run_forked(work) == 0


@pytest.mark.parametrize("name", CASES)
def test_messages_are_one_short_line(name: str) -> None:
    try:
        with BundleReader.open(CORPUS / CASES[name]["file"]) as reader:
            messages = [finding.message for finding in (*reader.warnings, *verify(reader).findings)]
            messages += [reader.extension_error.message] if reader.extension_error else []
    except BundleError as error:
        messages = [error.message]
    for message in messages:
        assert len(message) <= 300
        assert message.isprintable()
