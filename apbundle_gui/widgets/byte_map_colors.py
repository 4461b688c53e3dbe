"""The colours of the byte map: what they tell apart, and in which words the legend says so."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from PySide6.QtGui import QColor

from apbundle_gui import theme
from apbundle_gui.models.byte_map import Part
from apbundle_gui.theme import Tone
from apbundle_gui.theme.contrast import blend

_CYCLE: Final = (Tone.PREFETCH, Tone.HIT, Tone.LIMIT, Tone.EVICTION, Tone.MISS, Tone.HEADER)
_PART_TONES: Final = {
    Part.HEADER: Tone.HEADER,
    Part.ENTRIES: Tone.HEADER,
    Part.EXTENSION: Tone.LIMIT,
    Part.MODEL: Tone.PREFETCH,
}
_SOFT: Final = 0.84
"""How much of its colour every other stretch has, so that neighbours are told apart."""
FAMILIES: Final = (
    ("F32", Tone.PREFETCH),
    ("F16, BF16", Tone.HIT),
    ("Other floats", Tone.HEADER),
    ("Integers", Tone.LIMIT),
    ("Quantised", Tone.MISS),
    ("Other types", Tone.EVICTION),
)
"""Element types that share a colour."""


class Colouring(StrEnum):
    """What the colours of models and tensors tell apart."""

    KIND = "kind"
    DTYPE = "dtype"
    MODEL = "model"


def family(dtype: str) -> int:
    """Which of :data:`FAMILIES` an element type is of."""
    name = dtype.removeprefix(">")
    if name == "F32":
        return 0
    if name in ("F16", "BF16"):
        return 1
    if name[:1] == "F" and name[1:2].isdigit():
        return 2
    if name[:1] in "IU" and name[1:].isdigit():
        return 3
    return 4 if name.startswith(("Q", "IQ", "TQ", "MXFP", "NVFP", "Apr")) else 5


def part_color(part: Part, model: int, colouring: Colouring) -> QColor | None:
    """The colour of a part of the file, of the model it is if it is one; ``None``: that of the ground."""
    if part is Part.MODEL and colouring is Colouring.MODEL:
        return theme.tone_color(_CYCLE[model % len(_CYCLE)])
    if part is Part.MODEL:
        return _alternating(Tone.PREFETCH if colouring is Colouring.KIND else Tone.NEUTRAL, model)
    tone = _PART_TONES.get(part)
    return None if tone is None else theme.tone_color(tone)


def tensor_color(model: int, tensor: int, dtype: str, colouring: Colouring) -> QColor:
    """The colour of a tensor."""
    if colouring is Colouring.DTYPE:
        return _alternating(FAMILIES[family(dtype)][1], tensor)
    return _alternating(_CYCLE[model % len(_CYCLE)] if colouring is Colouring.MODEL else Tone.HIT, tensor)


def legend(colouring: Colouring) -> tuple[tuple[str, QColor | None], ...]:
    """What each colour stands for; without one it is a remark."""
    parts: list[tuple[str, QColor | None]] = [
        ("Header, manifest", theme.tone_color(Tone.HEADER)),
        ("Extension", theme.tone_color(Tone.LIMIT)),
    ]
    if colouring is Colouring.KIND:
        parts += [("Model", theme.tone_color(Tone.PREFETCH)), ("Tensor", theme.tone_color(Tone.HIT))]
    elif colouring is Colouring.DTYPE:
        parts = [(name, theme.tone_color(tone)) for name, tone in FAMILIES]
    else:
        parts.append(("Each model, and its tensors, in the next of six colours", None))
    return (*parts, ("Nothing", theme.color("grid")))


def _alternating(tone: Tone, number: int) -> QColor:
    color = theme.tone_color(tone)
    return color if number % 2 == 0 else QColor(blend(theme.colors().surface, color.name(), _SOFT))
