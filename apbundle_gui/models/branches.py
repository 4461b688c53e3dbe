"""A tree as the rows of a list: what is folded costs nothing, and a million children are no matter.

Qt's own tree view asks for every child of what is unfolded, which takes a second for a million of them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from typing import Final, Generic, TypeVar

Content = TypeVar("Content")


class Node(Generic[Content]):
    """One thing in the tree; made when it is first looked at.

    Attributes
    ----------
    content
        What it is.
    branch
        What stands below it, once that is known.
    above, place
        The branch it stands in, and its number there.
    """

    __slots__ = ("above", "branch", "content", "place")

    def __init__(self, content: Content, above: Branch[Content], place: int) -> None:
        self.content = content
        self.above = above
        self.place = place
        self.branch: Branch[Content] | None = None

    @property
    def unfolded(self) -> bool:
        """Whether what stands below it is shown."""
        return self.place in self.above.open_places

    @property
    def level(self) -> int:
        """How many nodes it stands below."""
        parent, level = self.above.parent, 0
        while parent is not None:
            parent, level = parent.above.parent, level + 1
        return level

    @property
    def row(self) -> int:
        """Its row in the whole list, as if everything above it were unfolded."""
        parent = self.above.parent
        row = self.above.row_of(self.place)
        return row if parent is None else parent.row + 1 + row


class Branch(Generic[Content]):
    """What stands directly below one node, or at the top.

    Parameters
    ----------
    parent
        The node; ``None`` at the top.
    count
        How many children there are.
    make
        The content of a child by its number.
    """

    def __init__(self, parent: Node[Content] | None, count: int, make: Callable[[int], Content]) -> None:
        self.parent: Final = parent
        self.count: Final = count
        self._make = make
        self._nodes: dict[int, Node[Content]] = {}
        self.open_places: list[int] = []  # the children that are unfolded, ascending
        self._before: list[int] | None = None  # rows below the unfolded ones up to each, itself included
        self._starts: list[int] = []  # rows of the unfolded ones
        self._length = count

    def __len__(self) -> int:
        """The rows of the branch, those below unfolded children included."""
        return self._length

    def child(self, place: int) -> Node[Content]:
        """The child of this number."""
        node = self._nodes.get(place)
        if node is None:
            node = self._nodes[place] = Node(self._make(place), self, place)
        return node

    def adopt(self, place: int, node: Node[Content]) -> None:
        """Take a node of another branch, and all that stands below it, for the child of this number."""
        node.above, node.place = self, place
        self._nodes[place] = node

    def at(self, row: int) -> Node[Content]:
        """The node in a row of this branch."""
        before = self._counted()
        i = bisect_right(self._starts, row) - 1
        if i < 0:
            return self.child(row)
        start, place = self._starts[i], self.open_places[i]
        if row == start:
            return self.child(place)
        below = self._below(place)
        if row <= start + len(below):
            return below.at(row - start - 1)
        return self.child(row - before[i])

    def row_of(self, place: int) -> int:
        """The row of a child in this branch."""
        i = bisect_left(self.open_places, place)
        return place + (self._counted()[i - 1] if i else 0)

    def unfold(self, place: int) -> int:
        """Show what stands below a child, whose branch is known; how many rows that adds."""
        insort(self.open_places, place)
        rows = len(self._below(place))
        self._grow(rows)
        return rows

    def fold(self, place: int) -> int:
        """Hide what stands below an unfolded child; how many rows that takes away."""
        rows = len(self._below(place))
        self.open_places.remove(place)
        self._grow(-rows)
        return rows

    def _grow(self, rows: int) -> None:
        self._length += rows
        self._before = None
        parent = self.parent
        if parent is not None and parent.unfolded:
            parent.above._grow(rows)

    def _counted(self) -> list[int]:
        if self._before is None:
            total, self._before, self._starts = 0, [], []
            for place in self.open_places:
                self._starts.append(place + total)
                total += len(self._below(place))
                self._before.append(total)
        return self._before

    def _below(self, place: int) -> Branch[Content]:
        branch = self._nodes[place].branch
        assert branch is not None
        return branch
