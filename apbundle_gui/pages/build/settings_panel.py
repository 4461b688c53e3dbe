"""What the bundle will be, beside the table: where it goes, what it says of itself, how it is laid out."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from apbundle_gui.models import text as words
from apbundle_gui.models.build_draft import Draft, Options
from apbundle_gui.models.build_problems import Problem
from apbundle_gui.models.draft_outlook import padding_text, reader_text, size_text
from apbundle_gui.pages.build.bundle_details import BundleDetails
from apbundle_gui.pages.build.fields import PathField, TextField
from apbundle_gui.services.editing import EditCost
from apbundle_gui.services.planning import Planned
from apbundle_gui.services.sources import OutputFacts
from apbundle_gui.theme import Space, Tone
from apbundle_gui.widgets import Divider, Facts, Note, SecondaryLabel, button, icon_button, set_property

ALIGNMENTS: Final = (
    ("None", 1, "Models stand one right after the other"),
    ("64 bytes", 64, "Enough for vectors and for most tools"),
    ("4 KiB", 4096, "A page of memory: every model can be mapped by itself"),
    ("64 KiB", 65_536, "The pages of some other systems"),
    ("1 MiB", 1 << 20, "The most the format has"),
)
DIGESTS: Final = (
    ("XXH3-128", "xxh3-128", "Finds damage at the speed of the disk"),
    ("SHA-256", "sha256", "Can be compared with what others publish; slower"),
    ("None", None, "Damage will not be noticed"),
)
PLAIN_TIP: Final = (
    "Exactly what the first readers of the format write: no checksums, no alignment, no metadata. "
    "They read the other bundles as well."
)


class SettingsPanel(QWidget):
    """Everything of the draft but its rows.

    Attributes
    ----------
    output_typed, described
        Emitted with what was typed.
    output_wanted
        The user wants to choose the output in a dialog.
    fix_wanted
        The problem of the output shall be fixed.
    options_changed
        Emitted with the :class:`~apbundle_gui.models.build_draft.Options` chosen.
    left
        A field was left: what is typed next is a change of its own.
    """

    output_typed = Signal(str)
    described = Signal(str)
    output_wanted = Signal()
    fix_wanted = Signal()
    options_changed = Signal(object)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_property(self, kind="body")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(Space.L, Space.M, Space.L, Space.M)
        self.body.setSpacing(Space.S)
        self._options = Options()
        self._compose_output()
        self.body.addSpacing(Space.XS)
        self.description = TextField()
        self.description.setAccessibleName("Description")
        self.description.setPlaceholderText("What is in this bundle, for whoever opens it")
        self.description.setMinimumHeight(64)
        self.description.setMaximumHeight(200)
        self.description.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)  # takes what is left
        self._add("Description", self.description, stretch=4)
        self.body.addSpacing(Space.XS)
        self._compose_options()
        self.body.addSpacing(Space.XS)
        self.facts = Facts()
        self.body.addStretch(1)
        self.body.addWidget(Divider())
        self.body.addSpacing(Space.XS)
        for caption in ("Models", "Padding", "File size", "Free space", "Takes about"):
            self.facts.add(caption)
        self.body.addWidget(self.facts)
        self.readers = SecondaryLabel(wrap=True)
        self.readers.setAccessibleDescription("Who can read it")
        self.body.addWidget(self.readers)
        self.body.addSpacing(Space.XS)
        self.body.addWidget(Divider())
        self.body.addSpacing(Space.XS)
        self.details = BundleDetails()
        self.body.addWidget(self.details)
        self._connect()

    def _compose_output(self) -> None:
        self.output = PathField()
        self.output.setAccessibleName("Output")
        self.output.setPlaceholderText("Where the bundle is written")
        self.choose = icon_button("folder", "Choose the output", self.output_wanted.emit)
        row = QHBoxLayout()
        row.setSpacing(Space.XS)
        row.addWidget(self.output, 1)
        row.addWidget(self.choose)
        self.body.addWidget(SecondaryLabel("Output"))
        self.body.addLayout(row)
        self.output_note = Note()
        self.output_fix = button("", self.fix_wanted.emit)
        self.output_fix.hide()
        said = QHBoxLayout()
        said.setSpacing(Space.S)
        said.addWidget(self.output_note, 1)
        said.addWidget(self.output_fix, 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(said)

    def _compose_options(self) -> None:
        self.alignment = _choices("Alignment", ALIGNMENTS)
        self.digest = _choices("Checksums", DIGESTS)
        row = QHBoxLayout()
        row.setSpacing(Space.M)
        for caption, box in (("Alignment", self.alignment), ("Checksums", self.digest)):
            column = QVBoxLayout()
            column.setSpacing(Space.XS)
            column.addWidget(SecondaryLabel(caption))
            column.addWidget(box)
            row.addLayout(column, 1)
        self.body.addLayout(row)
        self.plain = QCheckBox("Plain: without checksums and alignment")
        self.plain.setToolTip(words.tooltip(PLAIN_TIP))
        self.body.addWidget(self.plain)

    def _add(self, caption: str, widget: QWidget, *, stretch: int = 0) -> None:
        self.body.addWidget(SecondaryLabel(caption))
        self.body.addWidget(widget, stretch)

    def _connect(self) -> None:
        self.output.textEdited.connect(self.output_typed)
        self.description.textChanged.connect(lambda: self.described.emit(self.description.toPlainText()))
        self.details.left.connect(self.left)
        for field in (self.output, self.description):
            field.left.connect(self.left)
        for box in (self.alignment, self.digest):
            box.activated.connect(self._chosen)
        self.plain.clicked.connect(self._chosen)

    def _chosen(self) -> None:
        self.options_changed.emit(
            Options(self.alignment.currentData(), self.digest.currentData(), self.plain.isChecked())
        )

    # -- what the page shows -------------------------------------------------------------------------------------

    def show_draft(self, draft: Draft) -> None:
        """Show a draft's settings. A field that shows them already keeps its cursor."""
        shown = words.safe(draft.target, words.SHOWN_IN_DETAIL)
        emptied = self.output.hasFocus() and not draft.output and not self.output.text()
        if not emptied and self.output.text() != shown:
            self.output.setText(shown)
        self.output.setToolTip(words.tooltip(draft.target))
        if self.description.toPlainText() != draft.description:
            self.description.blockSignals(True)
            self.description.setPlainText(draft.description)
            self.description.blockSignals(False)
        options = draft.options
        self.alignment.setCurrentIndex(max(self.alignment.findData(options.alignment), 0))
        self.digest.setCurrentIndex(next(at for at, digest in enumerate(DIGESTS) if digest[1] == options.digest))
        self.plain.setChecked(options.plain)
        self.details.show_draft(draft)
        self.alignment.setEnabled(not options.plain)
        self.digest.setEnabled(not options.plain)

    def show_output(self, output: OutputFacts | None, problem: Problem | None, cost: EditCost | None = None) -> None:
        """Say what is at the output, or what it takes to change it."""
        if problem is not None:
            self.output_note.say(problem.detail, Tone(problem.tone))
        elif cost is not None:
            lost = f" {words.count(cost.lost, 'model')} of it will be gone." if cost.lost else ""
            self.output_note.say(f"{cost.text}{lost}", Tone.WARNING if cost.lost else Tone.NEUTRAL)
        elif output is not None and output.exists:
            kind = "" if output.facts.format == "apbundle" else ", which is not a bundle"
            self.output_note.say(f"Replaces the file that is there{kind}.", Tone.WARNING)
        else:
            self.output_note.say("")
        fix = problem.fix if problem is not None else None
        self.output_fix.setVisible(fix is not None)
        self.output_fix.setText("" if fix is None else fix.label)
        set_property(self.output, tone="danger" if problem is not None and problem.blocking else "")
        free = None if output is None else output.free
        tip = "" if free is None else words.exact_size(free)
        self.facts.set("Free space", "" if free is None else words.size(free), tip)

    def show_plan(self, draft: Draft, total: int, planned: Planned | None, otherwise: str, seconds: float) -> None:
        """Show how much will be written, what alignment costs, how long it takes, and who can read it.

        Parameters
        ----------
        total
            Bytes of the models.
        otherwise
            What stands for the size of the file where it is not known.
        seconds
            How long the build takes at the rate of the last one; 0 when there was none.
        """
        self.facts.set("Models", words.size(total), words.exact_size(total))
        if planned is None:
            for caption in ("Padding", "File size"):
                self.facts.set(caption, otherwise, "")
        else:
            self.facts.set("Padding", padding_text(planned), words.exact_size(planned.padding))
            self.facts.set("File size", size_text(planned), words.exact_size(planned.file_size))
        self.facts.set("Takes about", words.duration(seconds) if seconds else "", "At the rate of the last build")
        self.facts.show_row("Takes about", bool(seconds))
        self.readers.setText(reader_text(draft))


def _choices(name: str, choices: tuple[tuple[str, object, str], ...]) -> QComboBox:
    """A drop-down of ``(text, value, explanation)``."""
    box = QComboBox()
    box.setAccessibleName(name)
    for at, (text, value, explanation) in enumerate(choices):
        box.addItem(text, value)
        box.setItemData(at, words.tooltip(explanation), Qt.ItemDataRole.ToolTipRole)
    return box
