"""The names of a bundle's models, in order, each once, as strings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias, overload

from apbundle.names import has_control_characters

if TYPE_CHECKING:
    from apbundle.format.packed_names import PackedNames


class ListedNames(Sequence[str]):
    """Names as strings; more can be added.

    Parameters
    ----------
    numbers
        The names in order, each with its place from 0; kept.
    """

    __slots__ = ("_numbers", "_texts")

    def __init__(self, numbers: dict[str, int]) -> None:
        self._texts = list(numbers)
        self._numbers = numbers

    def append(self, name: str) -> None:
        """Add a name that is not there yet."""
        self._numbers[name] = len(self._texts)
        self._texts.append(name)

    def number(self, name: str) -> int | None:
        """The place of ``name``, from 0; ``None`` if it is not there."""
        return self._numbers.get(name)

    def odd(self) -> list[int]:
        """The numbers of the names that hold control or bidirectional characters."""
        return [number for number, name in enumerate(self._texts) if has_control_characters(name)]

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, name: object) -> bool:
        return name in self._numbers

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        return self._texts[index]


Names: TypeAlias = "ListedNames | PackedNames"
"""The names of all models of a bundle: of few as strings, of many packed in the bytes that were read."""
