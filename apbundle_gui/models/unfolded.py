"""What of a bundle is unfolded in the tree, by names: they hold in a file that was read anew."""

from __future__ import annotations

from collections.abc import Sequence

from apbundle_gui.models.branches import Branch, Node
from apbundle_gui.models.tree_items import TreeItem

Unfolded = dict[str, set[str]]
"""The names of the models that are unfolded, and of each the beginnings of names that its unfolded groups stand for."""


def unfolded_below(bundle: Node[TreeItem], names: Sequence[str]) -> Unfolded:
    """What is unfolded below a bundle whose models have these names."""
    if bundle.branch is None:
        return {}
    found: Unfolded = {}
    for place in bundle.branch.open_places:
        if bundle.branch.child(place).content.model is not None:
            found[names[place]] = set()
            _collect(bundle.branch.child(place).branch, found[names[place]])
    return found


def _collect(branch: Branch[TreeItem] | None, prefixes: set[str]) -> None:
    if branch is None:
        return
    for place in branch.open_places:
        node = branch.child(place)
        if node.content.group is not None:
            prefixes.add(node.content.group.prefix)
            _collect(node.branch, prefixes)
