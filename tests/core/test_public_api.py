"""What ``import apbundle`` offers: every name, described, with a useful ``repr``, and nothing loaded in vain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import apbundle
from apbundle import errors
from apbundle.payload.contents import SCANNERS
from support.imports import SourceTree
from support.interpreter import run_python

CONSTANTS = {
    "BUNDLE_MAGIC": b"APBUNDLE",
    "BUNDLE_VERSION": 1,
    "DEFAULT_MAX_MEMORY": 100 * 1024 * 1024,
    "DEFAULT_PAGE_SIZE": 4096,
}


@pytest.fixture
def path(golden: Path) -> Path:
    return golden / "ext_metadata.apbundle"


def test_exports_are_sorted_and_complete() -> None:
    names = apbundle.__all__
    assert names == sorted(names, key=lambda name: (not name.isupper(), name[0].islower(), name))
    assert set(names) == {
        *CONSTANTS,
        *("BundleBuilder", "BundleConfig", "BundleError", "BundleFormat", "BundleManifest", "BundleReader"),
        *("BundleWriter", "Digest", "Finding", "MappedFile", "MappedRegion", "MemoryMappedFile", "ModelBundle"),
        *("ModelEntry", "ModelMetadata", "PagedBundle", "PagingConfig", "PagingStats", "VerifyReport", "errors"),
    }


@pytest.mark.parametrize("name", apbundle.__all__)
def test_every_export_is_there_and_described(name: str) -> None:
    value = getattr(apbundle, name)
    if name in CONSTANTS:
        assert value == CONSTANTS[name]
        return
    assert (value.__doc__ or "").strip()
    if isinstance(value, type):
        public = [member for member in vars(value) if not member.startswith("_")]
        silent = [m for m in public if callable(getattr(value, m)) and not (getattr(value, m).__doc__ or "").strip()]
        assert not silent


def test_every_error_is_within_reach() -> None:
    for code, kind in errors.ERROR_CLASSES.items():
        assert getattr(apbundle.errors, kind.__name__) is kind
        assert issubclass(kind, apbundle.BundleError), code
        assert (kind.__doc__ or "").strip()


def test_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(apbundle, "BundleReadre")


OPENED: dict[str, Callable[[Path], Any]] = {
    "BundleReader": apbundle.BundleReader.open,
    "ModelBundle": apbundle.ModelBundle.load,
    "PagedBundle": apbundle.PagedBundle.open,
    "MappedFile": apbundle.MappedFile.open,
    "MemoryMappedFile": apbundle.MemoryMappedFile.open,
}


@pytest.mark.parametrize("name", OPENED)
def test_what_is_held_open_closes_with_its_block(path: Path, name: str) -> None:
    with OPENED[name](path) as opened:
        assert repr(opened).startswith(f"{name}(")
        assert path.name in repr(opened)
    with pytest.raises(apbundle.BundleError) as caught:
        use(opened)
    assert caught.value.code == "closed"
    assert repr(opened).startswith(f"{name}(")


def use(opened: Any) -> None:
    """Read something through an object that holds a file open."""
    if isinstance(opened, apbundle.BundleReader):
        opened.read_model("tail")
    elif isinstance(opened, apbundle.ModelBundle | apbundle.PagedBundle):
        opened.get_model("tail")
    elif isinstance(opened, apbundle.MappedFile):
        opened.slice(0, 1)
    else:
        opened.read_at(0, 1)


def test_values_show_what_they_are(path: Path, tmp_path: Path) -> None:
    builder = apbundle.ModelBundle.builder(tmp_path / "new.apbundle").add_model("a", b"xyz")
    with apbundle.BundleReader.open(path) as reader, apbundle.MemoryMappedFile.open(path) as mapped:
        shown = {
            "BundleBuilder": builder,
            "BundleConfig": apbundle.BundleConfig(),
            "BundleManifest": reader.manifest,
            "BundleWriter": apbundle.BundleWriter.create(tmp_path / "new.apbundle"),
            "Digest": reader.entry("tail").digest,
            "Finding": apbundle.Finding("gap", "There is a gap.", 5),
            "MappedRegion": mapped.map_region(0, 8),
            "ModelBundle": apbundle.ModelBundle("in memory"),
            "ModelEntry": reader.entry("encoder"),
            "ModelMetadata": apbundle.ModelMetadata(version="1.0"),
            "PagingConfig": apbundle.PagingConfig(max_memory="2GiB"),
            "PagingStats": apbundle.PagingStats(misses=1),
            "VerifyReport": apbundle.VerifyReport("verified", (), ()),
        }
        for name, value in shown.items():
            assert repr(value).startswith(f"{name}("), name
            assert " object at 0x" not in repr(value), name
        assert repr(shown["PagingStats"]).startswith("PagingStats(hits=0, misses=1, ")
        del shown["MappedRegion"], value


def test_the_example_of_the_package(tmp_path: Path) -> None:
    bundle = (
        apbundle.ModelBundle.builder(tmp_path / "my_models.apbundle")
        .add_model("classifier", b"c" * 300)
        .add_model(
            "encoder",
            b"e" * 500,
            version="1.0",
            architecture="transformer",
            hyperparameters={"layers": "12"},
            custom={"author": "me"},
        )
        .build()
    )
    with bundle:
        assert bundle.model_names == ["classifier", "encoder"]
    with apbundle.ModelBundle.load_paged(tmp_path / "my_models.apbundle", max_memory=10_000_000) as paged:
        assert bytes(paged.get_model("classifier")) == b"c" * 300
        assert (paged.stats().hits, paged.stats().misses) == (0, 1)
        assert paged.get_metadata("encoder").hyperparameters == {"layers": "12"}


def test_names_are_loaded_from_where_types_say(root: Path) -> None:
    imports = [i for i in SourceTree(root / "core" / "apbundle").imports() if i.importer == "apbundle" and i.for_types]
    typed = {f"{found.module}.{found.name}" for found in imports if found.name}
    assert typed == {f"apbundle.{module}.{name}" for module, names in apbundle._HOMES.items() for name in names}
    assert set(apbundle.__all__) <= set(dir(apbundle))


LOADED = "import sys; before = set(sys.modules); {}; print(*set(sys.modules) - before)"


def test_import_loads_nothing_in_vain() -> None:
    loaded = run_python(LOADED.format("import typing, importlib; before = set(sys.modules); import apbundle")).split()
    assert loaded == ["apbundle"]


@pytest.mark.parametrize("name", ["ModelBundle", "PagedBundle"])
def test_names_load_no_payload_format(name: str) -> None:
    loaded = run_python(LOADED.format(f"from apbundle import {name}")).split()
    heavy = {"rich", "argparse", "ml_dtypes", "tomlkit", "PySide6", "gguf", "asyncio", "unittest", "ssl", "socket"}
    assert not {module.split(".")[0] for module in loaded} & heavy
    formats = {f"apbundle.payload.{module}" for module, _ in SCANNERS.values()}
    assert not formats & set(loaded)


def test_verifying_loads_little(golden: Path) -> None:
    arguments = ["verify", str(golden / "ext_metadata.apbundle")]
    loaded = run_python(LOADED.format(f"from apbundle.cli import main; main({arguments})")).split("\n")[-1].split()
    heavy = {
        "numpy",
        "rich",
        "asyncio",
        "unittest",
        "ssl",
        "socket",
        "multiprocessing",
        "concurrent",
        "ml_dtypes",
        "PySide6",
    }
    assert not {module.split(".")[0] for module in loaded} & heavy
    parts = {"payload", "paging", "paged", "trace", "mapping", "diff", "bundle", "config"}
    assert not {module.split(".")[1] for module in loaded if module.startswith("apbundle.")} & parts
