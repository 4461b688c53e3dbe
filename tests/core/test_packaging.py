"""The wheel holds both packages and the files that run time needs; a checkout finds the same files beside it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from support.interpreter import run_python

RESOURCES = ("sample.apbundle", "icons/apbundle.svg", "apbundle.desktop", "apbundle-mime.xml", "README.md")


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree, unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


@pytest.mark.parametrize("name", RESOURCES)
def test_wheel_holds_resource(wheel: Path, root: Path, name: str) -> None:
    packed = wheel / "apbundle_gui" / "_resources" / name
    assert packed.read_bytes() == (root / "resources" / name).read_bytes()


def test_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    assert {path.name for path in wheel.iterdir()} == {"apbundle", "apbundle_gui", "apbundle-0.1.0.dist-info"}
    assert (wheel / "apbundle" / "py.typed").is_file()
    assert (wheel / "apbundle" / "format" / "layout.py").is_file()
    assert (wheel / "apbundle-0.1.0.dist-info" / "licenses" / "LICENSE").is_file()


def test_wheel_starts_both_programs(wheel: Path) -> None:
    entries = (wheel / "apbundle-0.1.0.dist-info" / "entry_points.txt").read_text()
    assert "apbundle = apbundle.cli:main" in entries
    assert "apbundle-gui = apbundle_gui.app:main" in entries


def test_installed_program_finds_its_resources_in_the_wheel(wheel: Path) -> None:
    found = run_python("from apbundle_gui import resources; print(resources.sample_path())", path=wheel)
    assert Path(found) == wheel / "apbundle_gui" / "_resources" / "sample.apbundle"


def test_checkout_finds_its_resources_beside_it(root: Path) -> None:
    found = run_python("from apbundle_gui import resources; print(resources.sample_path())")
    assert Path(found) == root / "resources" / "sample.apbundle"


def test_library_needs_nothing_of_the_window(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    heavy = ("PySide6", "pyqtgraph", "QtAwesome", "gguf")
    assert not [need for need in project["dependencies"] if need.startswith(heavy)]


def test_file_type_is_declared_alike(root: Path) -> None:
    mime = "{http://www.freedesktop.org/standards/shared-mime-info}"
    tree = ElementTree.parse(root / "resources" / "apbundle-mime.xml")
    declared = tree.find(f"{mime}mime-type")
    assert declared is not None
    match = declared.find(f"{mime}magic/{mime}match")
    assert match is not None
    assert match.get("value") == "APBUNDLE"
    assert f"MimeType={declared.get('type')};" in (root / "resources" / "apbundle.desktop").read_text()
