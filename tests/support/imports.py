"""Who imports whom, read from the source text: nothing is executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Import:
    """One name brought into one module."""

    importer: str
    """Dotted name of the module that imports."""
    module: str
    """Dotted name of the module that is imported (from)."""
    name: str | None
    """The name taken from it; ``None`` when the module itself is meant."""
    line: int
    for_types: bool
    """Whether it stands under ``if TYPE_CHECKING``."""

    def __str__(self) -> str:
        what = f"{self.name} from {self.module}" if self.name else self.module
        return f"{self.importer}:{self.line} imports {what}"


class SourceTree:
    """The modules of one package.

    Parameters
    ----------
    package
        Its folder.
    """

    def __init__(self, package: Path) -> None:
        self.name = package.name
        self._files = {self._dotted(path, package.parent): path for path in sorted(package.rglob("*.py"))}
        self._trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in self._files.items()}

    @staticmethod
    def _dotted(path: Path, root: Path) -> str:
        parts = path.relative_to(root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def modules(self) -> list[str]:
        """Dotted names of all modules."""
        return list(self._trees)

    def tree(self, module: str) -> ast.Module:
        """The syntax tree of ``module``."""
        return self._trees[module]

    def imports(self) -> Iterator[Import]:
        """Every import statement of every module, relative ones resolved."""
        for module, tree in self._trees.items():
            typed = {id(node) for block in ast.walk(tree) if _is_type_checking(block) for node in ast.walk(block)}
            for node in ast.walk(tree):
                for target, name in self._targets(module, node):
                    yield Import(module, target, name, getattr(node, "lineno", 0), id(node) in typed)

    def _targets(self, module: str, node: ast.AST) -> Iterator[tuple[str, str | None]]:
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = self._base(module, node)
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield (inner, None) if inner in self._trees else (base, alias.name)

    def _base(self, module: str, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = module.split(".")
        is_package = self._files[module].name == "__init__.py"
        parts = parts[: len(parts) - node.level + is_package]
        return ".".join([*parts, node.module] if node.module else parts)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
