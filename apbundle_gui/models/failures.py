"""What is safe, and what can still be seen, of a file that does not open."""

from __future__ import annotations

from apbundle_gui.models import text as words
from apbundle_gui.services.first_look import FirstLook


def still_seen(look: FirstLook | None) -> str:
    """What can be said of the file all the same, in sentences."""
    if look is None:
        return "Nothing was changed. Nothing of the file can be shown."
    said = f"Nothing was changed, and no model was read. The file has {words.exact_size(look.file_size)}."
    if look.header is not None:
        version, length = look.header
        said += f" Its header names format version {version} and a manifest of {words.exact_size(length)}."
    return said


def looked_at(look: FirstLook) -> str:
    """The title over the bytes that are shown."""
    if not look.data:
        return "The file is empty"
    first, end = look.start, look.start + len(look.data)
    return f"Bytes {first:,} to {end - 1:,} of {look.file_size:,}"
