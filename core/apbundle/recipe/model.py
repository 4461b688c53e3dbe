"""What a recipe says: the bundle to build, and where each of its models comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from apbundle.config import BundleConfig
from apbundle.errors import bundle_error
from apbundle.format import layout
from apbundle.format.model import ModelMetadata, text_mapping


class BundledModel(NamedTuple):
    """A model of another bundle, as the source of one.

    Parameters
    ----------
    bundle
        The bundle's path.
    model
        The model's name in it.
    """

    bundle: str
    model: str


@dataclass(frozen=True, slots=True)
class RecipeModel:
    """One model of a bundle to be built.

    Parameters
    ----------
    name
        Its name in the bundle.
    source
        The path of a file, or a model of another bundle.
    compress
        Store it as zstd frames. A model that is stored so in another bundle keeps its frames.
    enabled
        Whether it goes into the bundle.
    metadata
        What is said of it.
    """

    name: str
    source: str | BundledModel
    compress: bool = False
    enabled: bool = True
    metadata: ModelMetadata = field(default_factory=ModelMetadata)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A bundle to be built. Paths are such as this process opens them.

    Parameters
    ----------
    models
        In the order of the bundle, those that are not enabled among them.
    description
        Free text.
    created_at
        Seconds since the Unix epoch; ``None`` for the time of building.
    alignment
        Bytes, a power of two up to 1 MiB.
    digest
        ``"xxh3-128"``, ``"sha256"`` or ``None``.
    extension
        Whether to write what version 1 of the format cannot hold; without it there are no digests, no alignment, no
        metadata and no compression.
    metadata
        The bundle's own metadata.
    output
        Where the bundle goes unless somebody says otherwise.

    Raises
    ------
    DuplicateName
        Two enabled models have the same name.
    UnsupportedFeature
        Something is asked for that needs the extension, and that is off.
    ValueError, TypeError
        A setting is not what it should be.
    """

    models: tuple[RecipeModel, ...] = ()
    description: str = ""
    created_at: int | None = None
    alignment: int = layout.DEFAULT_ALIGNMENT
    digest: str | None = "xxh3-128"
    extension: bool = True
    metadata: dict[str, str] = field(default_factory=dict)
    output: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "metadata", text_mapping("metadata", self.metadata))
        if self.created_at is not None and not 0 <= self.created_at < 2**64:
            raise ValueError(f"created_at must be from 0 to 2**64 - 1, not {self.created_at}")
        if not self.extension:  # it is what holds these
            object.__setattr__(self, "alignment", 1)
            object.__setattr__(self, "digest", None)
        self.config()
        names: set[str] = set()
        for model in self.enabled_models:
            if model.name in names:
                raise bundle_error("duplicate_name", f"Two models are named {model.name!r}.", hint=_RENAME)
            names.add(model.name)
        if not self.extension and self.beyond_plain:
            raise bundle_error(
                "unsupported_feature",
                f"Without the extension a bundle cannot hold {self.beyond_plain}.",
                hint="Leave that out, or leave out extension = false.",
            )

    @property
    def enabled_models(self) -> tuple[RecipeModel, ...]:
        """The models that go into the bundle."""
        return tuple(model for model in self.models if model.enabled)

    @property
    def beyond_plain(self) -> str:
        """Something that needs the extension, in words; empty if nothing does."""
        if self.metadata:
            return "metadata of its own"
        for model in self.enabled_models:
            if model.compress:
                return f"the compression of {model.name!r}"
            if model.metadata != ModelMetadata():
                return f"the metadata of {model.name!r}"
        return ""

    def config(self) -> BundleConfig:
        """How the bundle is written."""
        return BundleConfig(alignment=self.alignment, digest=self.digest, plain=not self.extension)


_RENAME = "Rename one of them, or disable it."
