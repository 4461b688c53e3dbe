"""What is to be said about a bundle besides what it holds: damage, oddities, the outcome of verifying. In words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from apbundle.bundle import ModelBundle
from apbundle.errors import BundleError
from apbundle_gui.models import text as words
from apbundle_gui.services.verification import BundleState, ModelState, Verification

DANGER: Final = "danger"
WARNING: Final = "warning"

MOST_REMARKS: Final = 200
"""How many remarks are made; that many more say nothing new."""
_UNSAID: Final = frozenset({"no_checksums"})
"""Codes of warnings that the badge says already."""


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing to know about a file. ``tone`` is the value of a tone, ``offset`` counts from byte 0."""

    tone: str
    code: str
    message: str
    offset: int | None = None

    @property
    def title(self) -> str:
        """The code as people read it."""
        return words.safe(self.code.replace("_", " ")).capitalize()


def remarks(bundle: ModelBundle, verification: Verification) -> list[Remark]:
    """What there is to say, the worst first and each thing once; of very much, the beginning."""
    said = list(dict.fromkeys(islice(_remarks(bundle, verification), MOST_REMARKS)))
    left = _count(bundle, verification) - MOST_REMARKS
    return [*said, Remark(DANGER, "more", f"There are {words.count(left)} more.")] if left > 0 else said


def _count(bundle: ModelBundle, verification: Verification) -> int:
    return len(bundle.warnings) + (len(verification.report.findings) if verification.report is not None else 0)


def _remarks(bundle: ModelBundle, verification: Verification) -> Iterator[Remark]:
    if (error := bundle.extension_error) is not None:
        hint = f" {error.hint}" if error.hint else ""
        yield Remark(DANGER, error.code, f"{error.message}{hint}", error.offset)
    if (failure := verification.error) is not None:
        code = failure.code if isinstance(failure, BundleError) else "not_verified"
        yield Remark(DANGER, code, words.error_text(failure).line, getattr(failure, "offset", None))
    said = {} if error is None else {(error.code, error.offset): ""}
    found = {(finding.code, finding.offset): finding.message for finding in bundle.warnings}
    if verification.report is not None:
        for finding in verification.report.findings:
            place = finding.code, finding.offset
            if place not in said:
                said[place] = finding.message
                seen = found.get(place, finding.message)  # when opening saw it too, its words say more
                message = seen if seen == finding.message else f"{seen} {finding.message}"
                yield Remark(DANGER, finding.code, message, finding.offset)
    for finding in bundle.warnings:
        if finding.code not in _UNSAID and (finding.code, finding.offset) not in said:
            yield Remark(WARNING, finding.code, finding.message, finding.offset)


@dataclass(frozen=True, slots=True)
class Badge:
    """A state in words: what the badge says, the value of its tone, and what that means."""

    text: str
    tone: str
    meaning: str


BUNDLE_BADGES: Final = {
    BundleState.VERIFIED: Badge(
        "Verified", "ok", "Every byte is what was written. Checksums show damage, not who wrote the file."
    ),
    BundleState.FAILED: Badge("Failed", "danger", "Something is not what was written; the list says what."),
    BundleState.NO_CHECKSUMS: Badge(
        "No checksums", "warning", "The bundle holds no checksums: damage to a model cannot be seen."
    ),
    BundleState.NOT_VERIFIED: Badge(
        "Not verified yet", "neutral", "The bundle holds checksums; nobody has compared them with its bytes."
    ),
    BundleState.EXTENSION_UNUSABLE: Badge(
        "Extension unusable", "danger", "Checksums and metadata cannot be used: this is the plain version 1 view."
    ),
}

MODEL_BADGES: Final = {
    ModelState.VERIFIED: Badge("Verified", "ok", "The bytes match their checksum."),
    ModelState.DAMAGED: Badge("Damaged", "danger", "The bytes do not match their checksum."),
    ModelState.NO_CHECKSUM: Badge("No checksum", "warning", "Damage to this model cannot be seen."),
    ModelState.NOT_VERIFIED: Badge("Not verified", "neutral", "The bytes were not compared with their checksum yet."),
}
