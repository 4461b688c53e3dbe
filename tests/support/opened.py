"""Bytes as files: what the library says of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from apbundle.errors import BundleError
from apbundle.format.reader import BundleReader
from apbundle.format.verify import VerifyReport, verify


@contextmanager
def opened(folder: Path, raw: bytes) -> Iterator[BundleReader]:
    """A reader of a file in ``folder`` that holds ``raw``."""
    path = folder / "case.apbundle"
    path.write_bytes(raw)
    with BundleReader.open(path) as reader:
        yield reader


def refusal(folder: Path, raw: bytes) -> BundleError:
    """The error with which ``raw`` is refused."""
    with pytest.raises(BundleError) as caught, opened(folder, raw):
        pass
    assert caught.value.path == str(folder / "case.apbundle")
    return caught.value


def codes(reader: BundleReader) -> list[str]:
    """The codes of the warnings but ``no_checksums``, sorted."""
    return sorted(finding.code for finding in reader.warnings if finding.code != "no_checksums")


def extension_fault(folder: Path, raw: bytes) -> str | None:
    """The code of the extension error of ``raw``, which must open."""
    with opened(folder, raw) as reader:
        return None if reader.extension_error is None else reader.extension_error.code


def verified(folder: Path, raw: bytes) -> VerifyReport:
    """What verifying ``raw`` gives."""
    with opened(folder, raw) as reader:
        return verify(reader)
