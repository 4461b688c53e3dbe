"""What "Copy" puts on the clipboard: names and numbers, or a line that gets the model again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

from apbundle.format.model import ModelEntry

_ESCAPES: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "'": r"\'", "\\": r"\\"}


def python_snippet(path: str, entry: ModelEntry, found: str | None) -> str:
    """Python that reads the model: as arrays where it holds some, else as bytes."""
    call = "arrays" if found == "safetensors" else "get_model"
    return (
        "from apbundle import ModelBundle\n\n"
        f"with ModelBundle.load({path!r}) as bundle:\n"
        f"    weights = bundle.{call}({entry.name!r})\n"
    )


def tensor_snippet(path: str, model: str, tensor: str) -> str:
    """Python that pages in one tensor, without reading the rest of its model."""
    return (
        "from apbundle import PagedBundle\n\n"
        f"with PagedBundle.open({path!r}) as bundle:\n"
        f"    tensor = bundle.get_component({model!r}, {tensor!r})\n"
    )


def tensors_snippet(path: str, named: Sequence[tuple[str, str]]) -> str:
    """Python that pages in several tensors, each a pair of its model and its name."""
    listed = "".join(f"    ({model!r}, {tensor!r}),\n" for model, tensor in named)
    return (
        "from apbundle import PagedBundle\n\n"
        f"names = [\n{listed}]\n"
        f"with PagedBundle.open({path!r}) as bundle:\n"
        "    tensors = {name: bundle.get_component(*name) for name in names}\n"
    )


def command_line(path: str, entry: ModelEntry) -> str:
    """The command that writes the model to a file in the current folder."""
    return f"apbundle extract -o . -- {quoted(path)} {quoted(entry.name)}"


def tensor_command(path: str, model: str, tensor: str) -> str:
    """The command that prints one tensor."""
    call = f"PagedBundle.open({path!a}).get_component({model!a}, {tensor!a})"
    return f"python -c {quoted(f'from apbundle import PagedBundle; print({call})')}"


def diff_command(before: str, after: str) -> str:
    """The command that says what two bundles differ in."""
    return f"apbundle diff -- {quoted(before)} {quoted(after)}"


def quoted(text: str) -> str:
    """``text`` as one word of a shell; never a line break or a control character in it, however the text begins."""
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(_escaped(character) for character in text) + "'"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
