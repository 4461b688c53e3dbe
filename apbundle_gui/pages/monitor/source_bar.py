"""The bar that says what runs: workload, limit, policy, prefetch and speed."""

from __future__ import annotations

from typing import Final, Literal, cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QSlider, QWidget

from apbundle_gui.models import monitor_text as wording
from apbundle_gui.models import text as words
from apbundle_gui.pages.monitor.limit_field import DEFAULT_SHARE, LimitField
from apbundle_gui.services import Settings
from apbundle_gui.services.workload_worker import WorkloadSettings
from apbundle_gui.theme import CONTROL_HEIGHT, Space
from apbundle_gui.widgets import Card, DoubleSpinBox, ElidedLabel, SpinBox

_WORKLOADS: Final = (
    ("Zipf", "zipf", "A few models are wanted often, most of them rarely: how real programs behave"),
    ("Loop", "loop", "All models in order, over and over: the worst there is for LRU when they do not all fit"),
    ("Sequential", "sequential", "Every model once, in order: nothing is used again"),
)
_PREFETCH: Final = (
    ("Off", "off", "Models are loaded when they are asked for"),
    ("Inline", "inline", "What followed in the last ten accesses is loaded before an access returns, if it fits"),
    ("Background", "background", "What usually follows is loaded by a thread while the program works"),
)
DEFAULT_PACE: Final = wording.PACES.index(20)
SPEED_WIDTH: Final = 108
"""The least width of the speed, in pixels: every speed can be read above it."""
_KEY: Final = "monitor/"
_MAX_SEED: Final = 999_999


class SourceBar(Card):
    """The settings of a workload.

    Attributes
    ----------
    changed
        Emitted when a setting changed.
    pace_changed
        Emitted when the speed changed, which takes effect at once.
    """

    changed = Signal()
    pace_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent, margin=Space.M)
        self.body.setContentsMargins(Space.M, Space.S, Space.M, Space.S)
        self._locked = False
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(Space.S)
        self._grid.setVerticalSpacing(Space.XS)
        self.body.addLayout(self._grid)
        self.workload = _choices("Workload", _WORKLOADS)
        self.seed = SpinBox(0, _MAX_SEED, 1)
        self.seed.setFixedWidth(84)
        self.seed.setToolTip(words.tooltip("The same seed gives the same accesses"))
        self.skew = DoubleSpinBox(0.1, 3.0, 0.9)
        self.skew.setFixedWidth(76)
        self.skew.setSingleStep(0.1)
        self.skew.setToolTip(
            words.tooltip("How unequal the models are wanted: the higher, the fewer get most accesses")
        )
        self.limit = LimitField()
        self.policy = _choices("Policy", wording.POLICY_CHOICES)
        self.prefetch = _choices("Prefetch", _PREFETCH)
        self.speed = QSlider(Qt.Orientation.Horizontal)
        self.speed.setRange(0, len(wording.PACES) - 1)
        self.speed.setPageStep(2)
        self.speed.setMinimumSize(SPEED_WIDTH, CONTROL_HEIGHT)
        captions = [
            self._add(column, caption, widget, stretch)
            for column, (caption, widget, stretch) in enumerate(
                (
                    ("Workload", self.workload, 0),
                    ("Seed", self.seed, 0),
                    ("Skew", self.skew, 0),
                    ("Memory limit", self.limit, 4),
                    ("Policy", self.policy, 0),
                    ("Prefetch", self.prefetch, 0),
                    ("Speed", self.speed, 3),
                )
            )
        ]
        self._pace_caption = captions[-1]
        self._connect()
        self.speed.setValue(DEFAULT_PACE)
        self._say_pace()
        self._adapt()

    @property
    def pace(self) -> float | None:
        """Accesses a second; ``None``: as fast as it goes."""
        return wording.PACES[self.speed.value()]

    @property
    def complete(self) -> bool:
        """Whether every setting is one that can be run."""
        return self.limit.limit is not None

    def settings(self, bundle: str) -> WorkloadSettings:
        """What is set, for the bundle at this path. Only when :attr:`complete`."""
        assert self.limit.limit is not None
        return WorkloadSettings(
            bundle=bundle,
            recording="",
            workload=str(self.workload.currentData()),
            seed=self.seed.value(),
            exponent=self.skew.value(),
            max_memory=self.limit.limit,
            eviction=str(self.policy.currentData()),
            prefetch=cast(Literal["off", "inline", "background"], self.prefetch.currentData()),
            pace=self.pace,
        )

    def show_bundle(self, total: int) -> None:
        """Take the size of all models of the bundle, in bytes."""
        self.limit.set_total(total)

    def show_example(self, pace: int) -> None:
        """Set what shows hits, misses and evictions; ``pace`` is an index into ``PACES``."""
        for box in self._boxes().values():
            box.setCurrentIndex(0)
        self.seed.setValue(1)
        self.skew.setValue(0.9)
        self.limit.set_share(DEFAULT_SHARE)
        self.speed.setValue(pace)

    def lock(self, locked: bool) -> None:
        """Let only the speed be changed: the rest holds for a whole run."""
        self._locked = locked
        self._adapt()

    def restore(self, settings: Settings) -> None:
        """Set what was remembered."""
        for name, box in self._boxes().items():
            box.setCurrentIndex(max(box.findData(settings.text(_KEY + name)), 0))
        self.seed.setValue(settings.number(_KEY + "seed", 1, 0, _MAX_SEED))
        self.skew.setValue(settings.number(_KEY + "skew_percent", 90, 10, 300) / 100)
        self.limit.set_share(settings.number(_KEY + "limit_percent", DEFAULT_SHARE, 1, 100))
        self.speed.setValue(settings.number(_KEY + "speed", DEFAULT_PACE, 0, len(wording.PACES) - 1))

    def remember(self, settings: Settings) -> None:
        """Keep what is set."""
        for name, box in self._boxes().items():
            settings.remember(_KEY + name, str(box.currentData()))
        settings.remember(_KEY + "seed", self.seed.value())
        settings.remember(_KEY + "skew_percent", round(100 * self.skew.value()))
        settings.remember(_KEY + "limit_percent", self.limit.share)
        settings.remember(_KEY + "speed", self.speed.value())

    def _add(self, column: int, caption: str, widget: QWidget, stretch: int) -> ElidedLabel:
        """Put a control under its caption, and return the caption."""
        label = ElidedLabel(caption, secondary=True)
        self._grid.addWidget(label, 0, column)
        self._grid.addWidget(widget, 1, column)
        self._grid.setColumnStretch(column, stretch)
        if not widget.accessibleName():
            widget.setAccessibleName(caption)
        return label

    def _boxes(self) -> dict[str, QComboBox]:
        return {"workload": self.workload, "policy": self.policy, "prefetch": self.prefetch}

    def _connect(self) -> None:
        for box in self._boxes().values():
            box.currentIndexChanged.connect(self._chosen)
        self.limit.changed.connect(self.changed)
        self.seed.valueChanged.connect(self.changed)
        self.skew.valueChanged.connect(self.changed)
        self.speed.valueChanged.connect(self._say_pace)

    def _chosen(self) -> None:
        self._adapt()
        self.changed.emit()

    def _adapt(self) -> None:
        """Enable what matters to the workload that is chosen, and say what the choices mean."""
        free = not self._locked
        is_zipf = self.workload.currentData() == "zipf"
        for widget in (self.workload, self.limit, self.policy, self.prefetch):
            widget.setEnabled(free)
        self.seed.setEnabled(free and is_zipf)
        self.skew.setEnabled(free and is_zipf)
        for box in self._boxes().values():
            box.setToolTip(str(box.currentData(Qt.ItemDataRole.ToolTipRole) or ""))

    def _say_pace(self) -> None:
        said = wording.pace(self.pace)
        self._pace_caption.setText(f"Speed: {said}")
        self.speed.setToolTip(words.tooltip(f"{said[:1].upper()}{said[1:]}"))
        self.speed.setAccessibleDescription(said)
        self.pace_changed.emit()


def _choices(name: str, choices: tuple[tuple[str, str, str], ...]) -> QComboBox:
    """A drop-down of ``(text, value, explanation)``."""
    box = QComboBox()
    box.setAccessibleName(name)
    for index, (text, value, explanation) in enumerate(choices):
        box.addItem(text, value)
        box.setItemData(index, words.tooltip(explanation), Qt.ItemDataRole.ToolTipRole)
    return box
