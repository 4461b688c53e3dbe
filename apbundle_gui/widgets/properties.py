"""The two properties by which widgets say to the style sheet what they are."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


def set_property(widget: QWidget, **values: str) -> None:
    """Set dynamic properties such as ``kind`` and ``tone``, and restyle the widget when one of them is new."""
    changed = False
    for name, value in values.items():
        if widget.property(name) != value:
            widget.setProperty(name, value)
            changed = True
    if changed:
        style = widget.style()
        style.unpolish(widget)
        style.polish(widget)
        widget.update()
