"""The layers of the project hold: nothing imports upward, the library knows no window, pages stay views."""

from __future__ import annotations

import ast
import dataclasses
import enum
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_origin

import pytest

from support.imports import Import, SourceTree
from support.interpreter import run_python

QT_DOORS = {"PySide6", "PySide2", "PyQt6", "PyQt5", "shiboken6", "qtpy", "pyqtgraph", "qtawesome"}

BASE = {"errors", "progress", "text", "names", "fileio"}
ENGINES = {"format", "payload", "paging", "trace", "mapping", "paged"}
CORE_LAYERS: dict[str, set[str]] = {
    **dict.fromkeys(BASE, BASE),
    "format": BASE,
    "payload": BASE,
    "paging": BASE,
    "trace": BASE | {"paging.policy"},
    "mapping": BASE,
    "paged": BASE | ENGINES,
    "config": BASE | {"format", "paging"},
    "inputs": BASE | {"format", "payload"},
    "recipe": BASE | {"format", "config"},
    "diff": BASE | {"format", "payload"},
    "edit": BASE | {"format", "config", "recipe", "saving"},
    "saving": BASE | {"format", "config"},
    "bundle": BASE | ENGINES | {"config", "inputs", "saving", "builder"},  # its builder() makes one
    "builder": {"bundle", "config", "fileio", "inputs", "progress"},
    "cli": BASE | ENGINES | {"builder", "bundle", "config", "diff", "edit", "inputs", "recipe", ""},
    "__main__": {"cli"},
    "": BASE | ENGINES | {"builder", "bundle", "config"},
}
"""Part of the library → the parts it may know. The empty name is the package itself, its public face."""


@dataclass(frozen=True)
class Layer:
    """What one part of the application may know."""

    own: set[str]
    """Other parts of the application."""
    qt: set[str] | None
    """Modules of PySide6; ``None``: all."""
    core: str
    """``all`` of the library, its ``records`` (errors, frozen values, constants) or ``none``."""


LOOKS = {"theme", "actions", "resources"}
COMPOSED = LOOKS | {"services", "models", "widgets", "pages"}
GUI_LAYERS: dict[str, Layer] = {
    "": Layer(set(), set(), "none"),
    "resources": Layer(set(), {"QtCore", "QtGui"}, "none"),
    "theme": Layer({"resources"}, None, "none"),
    "actions": Layer({"resources", "theme"}, None, "none"),
    "services": Layer({"resources"}, {"QtCore"}, "all"),
    "models": Layer({"services"}, {"QtCore", "QtGui"}, "all"),
    "widgets": Layer(LOOKS | {"models"}, None, "records"),
    "pages": Layer(LOOKS | {"services", "models", "widgets"}, None, "records"),
    "main_window": Layer(COMPOSED, None, "all"),
    "app": Layer(COMPOSED | {"main_window", ""}, None, "all"),
    "__main__": Layer({"app"}, set(), "none"),
}
SHARED_BY_PAGES = {"apbundle_gui.pages", "apbundle_gui.pages.page"}
STARTS_WORK = {"threading", "_thread", "concurrent", "multiprocessing", "subprocess", "asyncio"}
QT_STARTS_WORK = {"QThread", "QThreadPool", "QRunnable", "QProcess"}
OPENS_FILES = {"io", "mmap", "shutil", "tempfile", "fileinput"}
QT_OPENS_FILES = {"QFile", "QSaveFile", "QTemporaryFile", "QTemporaryDir"}
FILE_METHODS = {"read_bytes", "read_text", "write_bytes", "write_text"}


@pytest.fixture(scope="module")
def core(root: Path) -> SourceTree:
    return SourceTree(root / "core" / "apbundle")


@pytest.fixture(scope="module")
def gui(root: Path) -> SourceTree:
    return SourceTree(root / "apbundle_gui")


def part(module: str) -> str:
    """The part of its package that ``module`` belongs to."""
    return [*module.split("."), ""][1]


def inside(module: str, allowed: set[str]) -> bool:
    """Whether ``module``, named within its package, is one of ``allowed`` or lies below one."""
    return any(module == name or (name and module.startswith(f"{name}.")) for name in allowed)


def own_imports(tree: SourceTree) -> Iterator[Import]:
    """Imports between different parts of one package."""
    for found in tree.imports():
        if found.module.split(".")[0] == tree.name and part(found.importer) != part(found.module):
            yield found


def test_every_part_of_the_library_has_a_rule(core: SourceTree) -> None:
    assert {part(module) for module in core.modules} <= set(CORE_LAYERS)


def test_library_layers(core: SourceTree) -> None:
    wrong = [
        str(found)
        for found in own_imports(core)
        if not inside(found.module.partition(".")[2], CORE_LAYERS[part(found.importer)])
    ]
    assert not wrong


def test_library_knows_no_window(core: SourceTree) -> None:
    wrong = [str(found) for found in core.imports() if found.module.split(".")[0] in QT_DOORS | {"apbundle_gui"}]
    for module in core.modules:  # a name given to importlib would be a door too
        wrong += [
            f"{module}:{node.lineno} names {node.value}"
            for node in ast.walk(core.tree(module))
            if isinstance(node, ast.Constant) and str(node.value).split(".")[0] in QT_DOORS
        ]
    assert not wrong


def test_only_the_command_line_draws_on_a_terminal(core: SourceTree) -> None:
    assert not [str(i) for i in core.imports() if i.module.split(".")[0] == "rich" and part(i.importer) != "cli"]


def test_importing_the_library_loads_no_window(core: SourceTree) -> None:
    modules = [module for module in core.modules if not module.endswith("__main__")]
    program = f"import importlib, sys\nfor name in {modules!r}: importlib.import_module(name)\nprint(*sys.modules)"
    loaded = run_python(program).split()
    assert not {name.split(".")[0] for name in loaded} & (QT_DOORS | {"apbundle_gui"})


def test_importing_the_application_package_loads_no_window() -> None:
    program = "import sys, apbundle_gui; print(*sys.modules)"
    loaded = run_python(program).split()
    assert not {name.split(".")[0] for name in loaded} & QT_DOORS


def test_every_part_of_the_application_has_a_rule(gui: SourceTree) -> None:
    assert {part(module) for module in gui.modules} <= set(GUI_LAYERS)


def test_application_layers(gui: SourceTree) -> None:
    wrong = [str(i) for i in own_imports(gui) if not inside(part(i.module), GUI_LAYERS[part(i.importer)].own)]
    assert not wrong


def test_pages_never_import_each_other(gui: SourceTree) -> None:
    def page(module: str) -> str:
        return ".".join(module.split(".")[:3])

    wrong = [
        str(found)
        for found in gui.imports()
        if part(found.importer) == "pages" == part(found.module)
        and found.module not in SHARED_BY_PAGES
        and page(found.importer) != page(found.module)
    ]
    assert not wrong


def test_each_part_uses_its_share_of_qt(gui: SourceTree) -> None:
    wrong = []
    for found in gui.imports():
        allowed = GUI_LAYERS[part(found.importer)].qt
        top, _, rest = found.module.partition(".")
        if top == "PySide6" and allowed is not None and (rest or found.name) not in allowed:
            wrong.append(str(found))
        if top in ("pyqtgraph", "qtawesome") and allowed is not None:
            wrong.append(str(found))
    assert not wrong


def test_only_pages_draw_charts(gui: SourceTree) -> None:
    assert not [str(i) for i in gui.imports() if i.module.split(".")[0] == "pyqtgraph" and part(i.importer) != "pages"]


def test_views_know_values_of_the_library_not_its_engines(gui: SourceTree) -> None:
    wrong = []
    for found in gui.imports():
        share = GUI_LAYERS[part(found.importer)].core
        if found.module.split(".")[0] != "apbundle" or share == "all" or found.for_types:
            continue
        if share == "none" or not is_value(found):
            wrong.append(str(found))
    assert not wrong


def is_value(found: Import) -> bool:
    """Whether what is imported is an error, a frozen record, an enumeration, a constant or the name of a type."""
    if found.name is None:
        return found.module == "apbundle.errors"
    value = getattr(importlib.import_module(found.module), found.name)
    if dataclasses.is_dataclass(value):
        return bool(value.__dataclass_params__.frozen)  # type: ignore[attr-defined]
    if isinstance(value, type):
        return issubclass(value, BaseException | enum.Enum)
    return get_origin(value) is not None or isinstance(value, int | float | str | bytes | tuple | frozenset)


@pytest.mark.parametrize("layer", ["models", "pages", "widgets"])
def test_views_open_no_file_and_start_no_work(gui: SourceTree, layer: str) -> None:
    wrong = [
        str(found)
        for found in gui.imports()
        if part(found.importer) == layer
        and (
            found.module.split(".")[0] in STARTS_WORK | OPENS_FILES
            or (found.module.startswith("PySide6") and found.name in QT_STARTS_WORK | QT_OPENS_FILES)
        )
    ]
    for module in gui.modules:
        if part(module) == layer:
            wrong += [f"{module}:{node.lineno} opens a file" for node in ast.walk(gui.tree(module)) if opens_file(node)]
    assert not wrong


def opens_file(node: ast.AST) -> bool:
    """Whether ``node`` is a call such as ``open(…)``, ``os.open(…)`` or ``path.read_bytes()``."""
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id == "open"
    return isinstance(node.func, ast.Attribute) and (
        node.func.attr in FILE_METHODS or ast.unparse(node.func) in ("os.open", "io.open")
    )
