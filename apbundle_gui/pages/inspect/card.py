"""The card at the top of the page: what the bundle is, and one badge that says what can be said of it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from apbundle_gui import theme
from apbundle_gui.models import text as words
from apbundle_gui.models.remarks import BUNDLE_BADGES
from apbundle_gui.pages.inspect.folded import FoldedText
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Badge, Card, ElidedLabel, FlowLayout, Glyph, Label, SecondaryLabel, button

STEPS = 1000
_ALL = 100
"""A share that leaves nothing to the others of a row, until it has enough."""
PROGRESS_WIDTH = 340


class Fact(QWidget):
    """A caption and, under it, a value."""

    def __init__(self, caption: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addWidget(SecondaryLabel(caption))
        self._value = Label(words.NONE)
        self._value.setFont(theme.tabular(self._value.font()))
        self._value.setAccessibleDescription(caption)
        layout.addWidget(self._value)

    @property
    def value(self) -> str:
        """What it shows."""
        return self._value.text()

    def set_value(self, value: str, tip: str = "") -> None:
        """Show a value."""
        self._value.setText(value)
        self._value.setToolTip(words.tooltip(tip))


class VerifyProgress(QWidget):
    """How far verifying is."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedWidth(PROGRESS_WIDTH)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(Space.S)
        self._text = ElidedLabel(secondary=True)
        layout.addWidget(self._text, 1)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(120)
        self._bar.setRange(0, STEPS)
        self._bar.setAccessibleName("Progress of verifying")
        layout.addWidget(self._bar)
        self.hide()

    def follow(self, inspection: Inspection) -> None:
        """Show how far the bundle's verification is."""
        job = inspection.verification.job
        self.setVisible(job is not None)
        if job is not None:
            part = job.done / job.total if job.total else 0.0
            left = job.seconds_left
            rest = f"{words.duration(left)} left" if left is not None and left >= 1 else ""
            self._text.setText(words.joined((words.percent(part), words.rate(job.rate) if job.rate else "", rest)))
            self._bar.setValue(round(STEPS * part))


class BundleCard(Card):
    """What a bundle is.

    Attributes
    ----------
    verify_clicked, extract_clicked
        The buttons. Verify asks to stop while the bundle is being verified.
    """

    verify_clicked = Signal()
    extract_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, margin=Space.M)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._inspection: Inspection | None = None
        self._compose_title()
        self._compose_path()
        self.body.addSpacing(Space.XS)
        facts = QWidget()
        flow = FlowLayout(facts, spacing=Space.M)
        captions = ("Size", "Models", "Created", "Format", "Data offset", "Checksums")
        self.facts = {caption: Fact(caption) for caption in captions}
        for fact in self.facts.values():
            flow.addWidget(fact)
        self.body.addWidget(facts)
        self.description = FoldedText("Description")
        self.body.addWidget(self.description)

    def _compose_title(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(Space.S)
        row.addWidget(Glyph("bundle", theme.ICON_LARGE))
        self.name = ElidedLabel()
        self.name.setFont(theme.title_font())
        self.name.setAccessibleDescription("Bundle")
        self.name.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        row.addWidget(self.name, _ALL)
        self.badge = Badge()
        self.badge.setAccessibleDescription("State of the bundle")
        row.addWidget(self.badge)
        row.addStretch(1)
        self.extract = button("Extract…", self.extract_clicked.emit, icon="extract", tip="Write models to files")
        row.addWidget(self.extract)
        self.verify = button(
            "Verify",
            self.verify_clicked.emit,
            icon="verify",
            kind="primary",
            tip="Compare everything with its checksum",
        )
        row.addWidget(self.verify)
        self.body.addLayout(row)

    def _compose_path(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(Space.M)
        self.path = ElidedLabel(secondary=True)
        self.path.setAccessibleDescription("Path")
        row.addWidget(self.path, 1)
        self.progress = VerifyProgress()
        row.addWidget(self.progress)
        self.path.setMinimumHeight(self.progress.sizeHint().height())  # nothing below moves when that appears
        self.body.addLayout(row)

    def show_inspection(self, inspection: Inspection | None) -> None:
        """Show another bundle, or forget the one that was shown."""
        self._inspection = inspection
        if inspection is None:
            return
        bundle, reader = inspection.bundle, inspection.reader
        self.name.setText(words.file_name(inspection.path), inspection.path)
        self.path.setText(inspection.path)
        self.description.show_text(bundle.description)
        facts = self.facts
        facts["Size"].set_value(words.size(bundle.file_size), words.exact_size(bundle.file_size))
        total = reader.manifest.total_size
        facts["Models"].set_value(words.count(len(inspection.names)), f"{words.exact_size(total)} in all models")
        facts["Created"].set_value(words.timestamp(bundle.created_at), f"{bundle.created_at:,} seconds since 1970")
        extension = " + extension" if reader.extension is not None else ", plain"
        facts["Format"].set_value(f"Version {reader.version}{extension}")
        offset = bundle.data_offset
        aligned = f"{words.offset_tooltip(offset)}\nModels begin at multiples of {words.exact_size(bundle.alignment)}"
        facts["Data offset"].set_value(words.hex_offset(offset), aligned)
        digests = reader.extension.digests if reader.extension is not None else None
        facts["Checksums"].set_value(digests.algorithm.name.upper() if digests is not None else "None")
        self.refresh()

    def refresh(self) -> None:
        """Show anew what verifying may have changed."""
        inspection = self._inspection
        if inspection is None:
            return
        badge = BUNDLE_BADGES[inspection.verification.state]
        self.badge.set_state(badge.text, Tone(badge.tone))
        self.badge.setToolTip(words.tooltip(badge.meaning))
        running = inspection.verification.running
        self.verify.setText("Cancel" if running else "Verify")
        self.verify.setIcon(theme.icon("cancel" if running else "verify", on_primary=True))
        self.verify.setToolTip(words.tooltip("Stop verifying" if running else "Compare everything with its checksum"))
        self.extract.setEnabled(bool(inspection.names))
        self.progress.follow(inspection)
