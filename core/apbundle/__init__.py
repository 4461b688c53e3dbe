"""Read, write, verify and page ``.apbundle`` files: several machine-learning models in one file.

Write one, and use its models under a memory limit::

    from apbundle import ModelBundle

    bundle = (
        ModelBundle.builder("models.apbundle")
        .add_model("encoder", "encoder.safetensors", version="1.0")
        .add_model("head", {"weight": weight, "bias": bias})
        .build()
    )
    with ModelBundle.load_paged("models.apbundle", max_memory="2GiB") as paged:
        view = paged.get_model("encoder")
        print(paged.stats())

What a file or a request can do wrong is a :class:`BundleError`; its subclasses are in :mod:`apbundle.errors`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for those who read it; a program loads of these what it asks for
    from apbundle import errors
    from apbundle.builder import BundleBuilder, BundleWriter
    from apbundle.bundle import ModelBundle
    from apbundle.config import BundleConfig
    from apbundle.errors import BundleError, Finding
    from apbundle.format.layout import BUNDLE_MAGIC, BUNDLE_VERSION
    from apbundle.format.manifest import BundleFormat, BundleManifest
    from apbundle.format.model import Digest, ModelEntry, ModelMetadata
    from apbundle.format.reader import BundleReader
    from apbundle.format.verify import VerifyReport
    from apbundle.mapping import MappedFile, MappedRegion, MemoryMappedFile
    from apbundle.paged import PagedBundle, PagingConfig
    from apbundle.paging.config import DEFAULT_MAX_MEMORY, DEFAULT_PAGE_SIZE
    from apbundle.paging.stats import PagingStats

__all__ = [
    "BUNDLE_MAGIC",
    "BUNDLE_VERSION",
    "DEFAULT_MAX_MEMORY",
    "DEFAULT_PAGE_SIZE",
    "BundleBuilder",
    "BundleConfig",
    "BundleError",
    "BundleFormat",
    "BundleManifest",
    "BundleReader",
    "BundleWriter",
    "Digest",
    "Finding",
    "MappedFile",
    "MappedRegion",
    "MemoryMappedFile",
    "ModelBundle",
    "ModelEntry",
    "ModelMetadata",
    "PagedBundle",
    "PagingConfig",
    "PagingStats",
    "VerifyReport",
    "errors",
]

__version__: str

_HOMES = {
    "builder": ("BundleBuilder", "BundleWriter"),
    "bundle": ("ModelBundle",),
    "config": ("BundleConfig",),
    "errors": ("BundleError", "Finding"),
    "format.layout": ("BUNDLE_MAGIC", "BUNDLE_VERSION"),
    "format.manifest": ("BundleFormat", "BundleManifest"),
    "format.model": ("Digest", "ModelEntry", "ModelMetadata"),
    "format.reader": ("BundleReader",),
    "format.verify": ("VerifyReport",),
    "mapping": ("MappedFile", "MappedRegion", "MemoryMappedFile"),
    "paged": ("PagedBundle", "PagingConfig"),
    "paging.config": ("DEFAULT_MAX_MEMORY", "DEFAULT_PAGE_SIZE"),
    "paging.stats": ("PagingStats",),
}
"""Module → what it has of the public names; a test holds this against the imports above."""


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("apbundle.errors")
    for module, names in _HOMES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(f"apbundle.{module}"), name)
            return value
    if name == "__version__":  # asked of the installation only when needed
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("apbundle")
        except PackageNotFoundError:
            return "unknown"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
