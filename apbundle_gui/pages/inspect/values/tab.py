"""The tab of the values of the tensor that is selected."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from apbundle.payload.tensors import TensorInfo
from apbundle_gui.models import text as words
from apbundle_gui.pages.inspect.selection import Place, Selection
from apbundle_gui.pages.inspect.side_splitter import SideSplitter
from apbundle_gui.pages.inspect.tab import Tab
from apbundle_gui.pages.inspect.values.message import Message
from apbundle_gui.pages.inspect.values.plane_view import PlaneView
from apbundle_gui.pages.inspect.values.statistics_panel import StatisticsPanel
from apbundle_gui.services import Services
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.tensor_values import TensorValues
from apbundle_gui.theme import Tone

PANEL_WIDTH = 320
"""Width of the statistics at first, in pixels."""
PURPOSE = (
    "Choose a tensor, in the tree or among the tensors, to see its values: statistics, a histogram, "
    "and a map of all of them down to the single number."
)


class ValuesTab(Tab):
    """The tab of the values."""

    title = "Values"

    def __init__(self, services: Services, selection: Selection) -> None:
        super().__init__(services, selection)
        self._looked_at: tuple[int, int] | None = None
        self._shown_anew = False
        self.values = TensorValues(services.jobs, self)
        self.plane = PlaneView(self.values)
        self.panel = StatisticsPanel(self.values)
        self.message = Message()
        self._splitter = SideSplitter(self.plane, self.panel, PANEL_WIDTH)
        self.stack = QStackedWidget()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.stack)
        self.stack.addWidget(self.message)
        self.stack.addWidget(self._splitter)
        self.restore_splitter(self._splitter)
        self.values.changed.connect(self._values_changed)
        self.panel.clip_changed.connect(self.plane.set_clip)
        self.plane.element_chosen.connect(self._choose)

    # -- what the page asks --------------------------------------------------------------------------------------

    @property
    def focus_widget(self) -> QWidget:
        return self.plane.focus_widget if self.stack.currentWidget() is self._splitter else self

    def show_inspection(self, inspection: Inspection | None) -> None:
        if self.inspection is not None:
            self.inspection.contents.changed.disconnect(self._contents_changed)
        self.inspection = inspection
        if inspection is not None:
            inspection.contents.changed.connect(self._contents_changed)
        self._look_at(None)
        self.selection_changed()

    def shown(self) -> None:
        self.selection_changed()
        self.values.go_on()

    def hidden(self) -> None:
        self.values.pause()

    def selection_changed(self) -> None:
        inspection, place = self.inspection, self.selection.place
        if not self.isVisible():
            return
        if inspection is None or place.model is None or place.tensor is None:
            self._look_at(None)
            self._say("tensor", "Values of a tensor", PURPOSE)
            return
        here = place.model, place.tensor
        if here != self._looked_at:
            row = inspection.contents.row_of(*here)
            if row < 0:
                self._look_at(None)
                self._wait(inspection, place.model)
                return
            self._look_at(here, inspection.contents.info(row))
        if place.span is not None:
            self._follow_bytes(place.span)

    def remember(self) -> None:
        self.remember_splitter(self._splitter)

    # -- what happens --------------------------------------------------------------------------------------------

    def _look_at(self, here: tuple[int, int] | None, info: TensorInfo | None = None) -> None:
        self._looked_at = here
        self._shown_anew = True
        self.plane.forget()
        if here is None:
            self.values.show(None)
        else:
            self.values.show(self.inspection, here[0], info)

    def _wait(self, inspection: Inspection, model: int) -> None:
        error = inspection.contents.error(model)
        if error is not None:
            self._fail(error)
            return
        inspection.contents.want(model)
        self._say("tensor", "One moment", "What the model holds is being read.")

    def _contents_changed(self) -> None:
        if self._looked_at is None:
            self.selection_changed()

    def _values_changed(self) -> None:
        info, found, error = self.values.info, self.values.statistics, self.values.error
        if info is None:
            return
        if error is not None:
            self._fail(error)
        elif found is not None and not found.total:
            self._say("tensor", "No values", "This tensor has no elements: one of its dimensions is 0.")
        elif found is not None:
            self._show_plane()

    def _show_plane(self) -> None:
        focused = self.hasFocus()
        self.stack.setCurrentWidget(self._splitter)
        if self._shown_anew:
            self._shown_anew = False
            self.plane.show_tensor()
            if self.selection.place.span is not None:
                self._follow_bytes(self.selection.place.span)
        else:
            self.plane.recolor()
        if focused:
            self.plane.focus_widget.setFocus(Qt.FocusReason.OtherFocusReason)

    def _fail(self, error: BaseException) -> None:
        said = words.error_text(error)
        self._say("warning", "These values cannot be shown", said.message, Tone.WARNING)

    def _say(self, icon: str, title: str, sentence: str, tone: Tone | None = None) -> None:
        self.message.say(icon, title, sentence, tone)
        self.stack.setCurrentWidget(self.message)

    def _follow_bytes(self, span: tuple[int, int]) -> None:
        """Put the cursor on the element whose bytes are selected."""
        if self._shown_anew or self.values.span_at(self.plane.slicing.index) == span:
            return
        index = self.values.index_at(span[0])
        if index is not None and index != self.plane.slicing.index:
            self.plane.go_to(index)

    def _choose(self, index: tuple[int, ...]) -> None:
        """Select the bytes of an element."""
        if self._looked_at is None or self._shown_anew:
            return
        span = self.values.span_at(index)
        if span is None:
            self.services.messages.info("This value has no bytes of its own in the file: it is stored compressed.")
        else:
            model, tensor = self._looked_at
            self.selection.go(Place(model, "", tensor, span))
