"""The metadata of a bundle and its models, a few lines each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from apbundle.cli.drawing import MOST_ROWS, name, text
from apbundle.format.reader import BundleReader

_ORDER = ("version", "architecture", "hyperparameters", "custom", "components")
_LONGEST_OWNER = 32
_LONGEST_KEY = 24
_MOST_VALUES = 50
"""Of one mapping or list: JSON has them all."""

Row = tuple[Text, Text, Text]


def metadata_rows(reader: BundleReader) -> list[Row]:
    """Whose, what, and the values; nothing if the bundle holds no metadata."""
    extension = reader.extension
    if extension is None:
        return []
    rows: list[Row] = []
    if extension.bundle_metadata:
        rows.append((text("(the bundle)", "italic"), text(""), _pairs(extension.bundle_metadata)))
    for model, metadata in extension.models.items():
        owner = name(model, _LONGEST_OWNER)
        stored = metadata.stored(reader.entry(model).raw_size)
        stored.pop("format", None)  # it has a column of its own
        for key in sorted(stored, key=_place):
            rows.append((owner, text(key, limit=_LONGEST_KEY), _value(stored[key])))
            owner = text("")
        if len(rows) > MOST_ROWS:
            return [*rows[:MOST_ROWS], (text("…"), text(""), text("--json lists all"))]
    return rows


def _place(key: str) -> tuple[int, str]:
    return (_ORDER.index(key) if key in _ORDER else len(_ORDER)), key


def _value(value: Any) -> Text:
    if isinstance(value, Mapping):
        return _pairs(value)
    if isinstance(value, list):
        listed = ", ".join(map(str, value[:_MOST_VALUES]))
        return text(f"{len(value):,}: {listed}{', …' if len(value) > _MOST_VALUES else ''}")
    return text(str(value))


def _pairs(values: Mapping[str, Any]) -> Text:
    pairs = [text(key, "dim") + text(f"={value}") for key, value in sorted(values.items())[:_MOST_VALUES]]
    if len(values) > _MOST_VALUES:
        pairs.append(text(f"… and {len(values) - _MOST_VALUES:,} more"))
    return Text("  ").join(pairs)
