"""The open bundles as a tree: their models, the groups that tensor names make, and the tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QObject, Qt, Signal

from apbundle.payload.contents import Contents
from apbundle.progress import Cancel, Progress
from apbundle_gui.models import text as words
from apbundle_gui.models.arranged import NO_PARENT, RIGHT, AnyIndex, Role, heading
from apbundle_gui.models.branches import Branch, Node
from apbundle_gui.models.tree_items import Column, TreeItem, text_of, tip_of
from apbundle_gui.models.unfolded import Unfolded, unfolded_below
from apbundle_gui.services import JobRunner
from apbundle_gui.services.inspection import Inspection
from apbundle_gui.services.name_groups import NameGroup, Places, group_tensors
from apbundle_gui.services.pacing import Pace

NODE_ROLE: Final = Qt.ItemDataRole.UserRole + 10
"""The :class:`Twig` of a row: how it stands in the tree."""
QUICKLY: Final = 1000
"""Names that are grouped at once; more are grouped by a job."""
CHILDREN_SEEN: Final = 10_000
"""Among how many children groups are looked for that were unfolded before."""


@dataclass(frozen=True, slots=True)
class Twig:
    """How a row stands in the tree."""

    level: int
    icon: str
    foldable: bool
    unfolded: bool


TreeNode = Node[TreeItem]
TreeBranch = Branch[TreeItem]


class GroupBranch(Branch[TreeItem]):
    """What stands below a model or a group: the groups and tensors in ``groups``, found by their ``places``."""

    def __init__(self, parent: TreeNode, groups: Sequence[NameGroup], places: Places) -> None:
        path, model = parent.content.path, parent.content.model
        super().__init__(parent, len(groups), lambda place: TreeItem(path, model, groups[place]))
        self.places: Final = places


class BundleTree(QAbstractTableModel):
    """The rows of what is unfolded.

    Parameters
    ----------
    inspection_of
        What is known of the open bundle at a path, or ``None``.

    Attributes
    ----------
    revealed
        Emitted with the row of what :meth:`reveal` was asked for, when it is there.
    """

    revealed = Signal(int)

    def __init__(
        self, jobs: JobRunner, inspection_of: Callable[[str], Inspection | None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._inspection_of = inspection_of
        self._paths: list[str] = []
        self._top = TreeBranch(None, 0, self._bundle)
        self._known: dict[str, Inspection] = {}
        self._waiting: dict[tuple[str, int], TreeNode] = {}  # models whose contents are being read
        self._heard: set[Inspection] = set()
        self._sought: TreeItem | None = None
        self._again: dict[str, Unfolded] = {}  # of bundles read anew: what is still to be unfolded as it was

    # -- what it shows -------------------------------------------------------------------------------------------

    def show_bundles(self, paths: Sequence[str]) -> None:
        """Show these bundles; those that were shown before are unfolded as they were, also when they were read anew."""
        kept = {node.content.path: node for node in map(self._top.child, range(self._top.count))}
        known = {path: inspection for path in paths if (inspection := self._inspection_of(path)) is not None}
        self.beginResetModel()
        before, self._top = self._top, TreeBranch(None, len(paths), self._bundle)
        unfolded = {path for path, node in kept.items() if node.place in before.open_places}
        self._paths = list(paths)
        for place, path in enumerate(paths):
            node = kept.get(path)
            if node is not None and node.branch is not None and self._known.get(path) is known.get(path):
                self._top.adopt(place, node)
                if path in unfolded:
                    self._top.unfold(place)
            elif path in unfolded and path in self._known:
                self._again[path] = unfolded_below(kept[path], self._known[path].names)
        self._known = known
        self._heard.intersection_update(known.values())
        self._again = {path: rest for path, rest in self._again.items() if path in known}
        self._waiting = {key: node for key, node in self._waiting.items() if self._is_shown(node)}
        self.endResetModel()
        for path in tuple(self._again):
            self._unfold_again(self._top.child(self._paths.index(path)))

    def item(self, row: int) -> TreeItem:
        """What stands in a row."""
        return self._top.at(row).content

    def node(self, row: int) -> TreeNode:
        """The node in a row."""
        return self._top.at(row)

    # -- folding -------------------------------------------------------------------------------------------------

    def unfold(self, row: int) -> None:
        """Show what stands below a row; what has to be read first appears when it is."""
        node = self._top.at(row)
        if self._is_foldable(node) and not node.unfolded:
            if node.branch is None:
                node.branch = self._branch(node)
            self._insert(node)

    def fold(self, row: int) -> None:
        """Hide what stands below a row."""
        node = self._top.at(row)
        if node.content.model is None:
            self._again.pop(node.content.path, None)  # one wants it folded now
        self._fold(row, node)

    def _fold(self, row: int, node: TreeNode) -> None:
        if node.unfolded and node.branch is not None:
            first = row + 1
            if len(node.branch):
                self.beginRemoveRows(NO_PARENT, first, first + len(node.branch) - 1)
                node.above.fold(node.place)
                self.endRemoveRows()
            else:
                node.above.fold(node.place)
            self._repaint(row)

    def reveal(self, item: TreeItem) -> None:
        """Unfold all that is above ``item``; :attr:`revealed` says where it is, now or when that has been read."""
        self._sought = item
        self._seek()

    # -- what Qt asks --------------------------------------------------------------------------------------------

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._top)

    def columnCount(self, parent: AnyIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        right = (Column.PARAMETERS, Column.SIZE)
        return heading(section, orientation, role, ("Name", "Params", "Size"), (), right)

    def data(self, index: AnyIndex, role: int = Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role == Role.TextAlignmentRole:
            return RIGHT if index.column() != Column.NAME else None
        node = self._top.at(index.row())
        if role == NODE_ROLE:
            return Twig(node.level, node.content.icon, self._is_foldable(node), node.unfolded)
        if role == Role.DisplayRole:
            return text_of(node.content, self._inspection_of(node.content.path), Column(index.column()))
        if role == Role.ToolTipRole:
            return words.tooltip(tip_of(node.content, self._inspection_of(node.content.path)))
        if role == Role.AccessibleTextRole and index.column() == Column.NAME:
            state = ("unfolded" if node.unfolded else "folded") if self._is_foldable(node) else ""
            kind = node.content.icon or "note"
            name = text_of(node.content, self._inspection_of(node.content.path), Column.NAME)
            return words.joined((name, kind, f"level {node.level + 1}", state))
        return None

    # -- making nodes --------------------------------------------------------------------------------------------

    def _bundle(self, place: int) -> TreeItem:
        return TreeItem(self._paths[place])

    def _branch(self, node: TreeNode) -> TreeBranch:
        item = node.content
        inspection = self._inspection_of(item.path)
        if inspection is None:
            return self._note(node, "It was closed.")
        if item.model is None:
            if not inspection.names:
                return self._note(node, "No models")
            return TreeBranch(node, len(inspection.names), partial(TreeItem, item.path))
        contents = inspection.contents.of(item.model)
        if item.group is not None and contents is not None:
            return self._groups(node, contents, item.group)
        return self._model_branch(node, inspection, item.model)

    def _model_branch(self, node: TreeNode, inspection: Inspection, model: int) -> TreeBranch:
        contents, error = inspection.contents.of(model), inspection.contents.error(model)
        if error is not None:
            return self._note(node, words.error_text(error).line)
        if contents is None:
            self._waiting[inspection.path, model] = node
            if inspection not in self._heard:
                self._heard.add(inspection)
                inspection.contents.changed.connect(self._contents_changed)
            inspection.contents.want(model)
            return self._note(node, "Reading…")
        if not len(contents.tensors):
            found = contents.findings[0].message if contents.findings else "It lists no tensors."
            return self._note(node, found)
        return self._groups(node, contents, None)

    def _groups(self, node: TreeNode, contents: Contents, group: NameGroup | None) -> TreeBranch:
        rows = range(len(contents.tensors)) if group is None else group.rows
        prefix = "" if group is None else group.prefix
        table = contents.tensors
        if len(rows) <= QUICKLY:
            groups = group_tensors(table, map(int, rows), prefix)
            return GroupBranch(node, groups, Places(groups))

        def work(progress: Progress, cancel: Cancel) -> tuple[Sequence[NameGroup], Places]:
            groups = group_tensors(table, map(int, rows), prefix, Pace(cancel))
            return groups, Places(groups)

        self._jobs.start(
            "Sorting names",
            work,
            on_done=partial(self._grouped, node),
            abandonable=True,
        )
        return self._note(node, "Sorting names…")

    @staticmethod
    def _note(node: TreeNode, text: str) -> TreeBranch:
        path, model = node.content.path, node.content.model
        return TreeBranch(node, 1, lambda _: TreeItem(path, model, None, text))

    @staticmethod
    def _is_foldable(node: TreeNode) -> bool:
        item = node.content
        return not item.note and item.tensor is None

    # -- what arrives later --------------------------------------------------------------------------------------

    def _contents_changed(self) -> None:
        for (path, model), node in list(self._waiting.items()):
            inspection = self._inspection_of(path)
            if inspection is None:
                del self._waiting[path, model]
            elif inspection.contents.of(model) is not None or inspection.contents.error(model) is not None:
                del self._waiting[path, model]
                self._replace(node, self._model_branch(node, inspection, model))

    def _grouped(self, node: TreeNode, found: tuple[Sequence[NameGroup], Places]) -> None:
        self._replace(node, GroupBranch(node, *found))

    def _replace(self, node: TreeNode, branch: TreeBranch) -> None:
        """Let another branch stand below a node than before."""
        shown = self._is_shown(node)
        if node.unfolded and shown:
            self._fold(node.row, node)
            node.branch = branch
            self._insert(node)
            self._unfold_again(node)
        elif node.unfolded:
            node.above.fold(node.place)
            node.branch = branch
            node.above.unfold(node.place)
        else:
            node.branch = branch
        self._seek()

    def _insert(self, node: TreeNode) -> None:
        row = node.row
        branch = node.branch
        assert branch is not None
        if len(branch):
            self.beginInsertRows(NO_PARENT, row + 1, row + len(branch))
            node.above.unfold(node.place)
            self.endInsertRows()
        else:
            node.above.unfold(node.place)
        self._repaint(row)

    def _is_shown(self, node: TreeNode) -> bool:
        """Whether the node is one of the rows: all above it is unfolded, in the tree that is shown now."""
        branch = node.above
        while branch.parent is not None:
            if not branch.parent.unfolded or branch.parent.branch is not branch:
                return False
            branch = branch.parent.above
        return branch is self._top

    def _repaint(self, row: int) -> None:
        self.dataChanged.emit(self.index(row, 0), self.index(row, len(Column) - 1))

    def _unfold_again(self, node: TreeNode) -> None:
        """Unfold what stood unfolded below a node before its bundle was read anew, as far as that is there by now."""
        item, inspection = node.content, self._inspection_of(node.content.path)
        rest = self._again.get(item.path)
        if rest is None or inspection is None or not self._is_shown(node):
            return
        if item.model is None:
            self.unfold(node.row)
            numbers = map(inspection.reader.manifest.number, tuple(rest))
            places: Iterable[int] = [number for number in numbers if number is not None]
        else:
            prefixes = rest.get(inspection.names[item.model], set())
            places = self._groups_of(node, prefixes) if prefixes else ()
        for place in places:
            assert node.branch is not None
            child = node.branch.child(place)
            self.unfold(child.row)
            self._unfold_again(child)

    @staticmethod
    def _groups_of(node: TreeNode, prefixes: set[str]) -> Iterator[int]:
        """The places of the groups below a node that stand for these beginnings of names, among the first of many."""
        branch = node.branch
        for place in range(min(branch.count, CHILDREN_SEEN) if branch is not None else 0):
            assert branch is not None
            group = branch.child(place).content.group
            if group is not None and not group.leaf and group.prefix in prefixes:
                prefixes.discard(group.prefix)
                yield place

    # -- revealing -----------------------------------------------------------------------------------------------

    def _seek(self) -> None:
        """Go down to what is sought as far as that is known by now."""
        sought = self._sought
        if sought is None or sought.path not in self._paths:
            self._sought = None
            return
        node = self._top.child(self._paths.index(sought.path))
        while not self._is_it(node.content, sought):
            self.unfold(node.row)
            following = self._step(node, sought)
            if following is None:
                if not self._is_pending(node):
                    self._sought = None
                return
            node = following
        self._sought = None
        self.revealed.emit(node.row)

    @staticmethod
    def _is_it(item: TreeItem, sought: TreeItem) -> bool:
        if item.note or item.model != sought.model:
            return False
        if sought.group is None:
            return item.group is None
        same = item.group is not None and item.group.leaf == sought.group.leaf
        return (
            same
            and item.group is not None
            and (item.group.prefix == sought.group.prefix if not sought.group.leaf else item.tensor == sought.tensor)
        )

    @staticmethod
    def _step(node: TreeNode, sought: TreeItem) -> TreeNode | None:
        """The node below that leads on to what is sought."""
        branch = node.branch
        if branch is None or sought.model is None:
            return None
        if node.content.model is None:
            return branch.child(sought.model) if sought.model < branch.count else None
        if sought.group is None or not isinstance(branch, GroupBranch):
            return None
        place = branch.places.towards(sought.group.prefix, sought.group.leaf)
        return None if place is None else branch.child(place)

    @staticmethod
    def _is_pending(node: TreeNode) -> bool:
        branch = node.branch
        return branch is not None and branch.count == 1 and bool(branch.child(0).content.note)
