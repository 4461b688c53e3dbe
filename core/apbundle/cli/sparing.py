"""What must not be written over by mistake."""

from __future__ import annotations

from apbundle.errors import bundle_error
from apbundle.fileio import InputFile, NotRegularFile
from apbundle.payload.detect import HEAD_SIZE, UNKNOWN, detect_format, format_title


def spare_models(out: str) -> None:
    """Refuse to write over a model: most likely OUT was forgotten.

    Raises
    ------
    TargetRefused
    """
    try:
        with InputFile.open(out) as file:
            kind = detect_format(file.read(0, min(HEAD_SIZE, file.size)), file.size, file.read)
    except (NotRegularFile, OSError):
        return  # writing there says what is wrong
    if kind not in (UNKNOWN, "apbundle"):
        raise bundle_error(
            "target_refused",
            f"The destination is no bundle but a model ({format_title(kind)}).",
            path=out,
            hint="Nothing was changed. Name the bundle to be written first.",
        )
