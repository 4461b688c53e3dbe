"""The vocabulary of a bundle's contents: metadata, digest, compression table and entry of a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final, Protocol, overload

from xxhash import xxh3_128

SIZE_KEY: Final = "size"
"""The one custom field that a model without metadata shows; it is never stored."""


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What is known about a model besides its bytes. All text; empty means not given.

    ``components`` names the parts of the payload, ``format`` its file format. ``extra`` keeps fields of other
    writers, whatever JSON values they hold.
    """

    version: str = ""
    architecture: str = ""
    hyperparameters: dict[str, str] = field(default_factory=dict)
    custom: dict[str, str] = field(default_factory=dict)
    components: tuple[str, ...] = ()
    format: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("version", "architecture", "format"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be a string, not {type(getattr(self, name)).__name__}")
        for name in ("hyperparameters", "custom"):
            object.__setattr__(self, name, text_mapping(name, getattr(self, name)))
        components: Any = self.components
        if isinstance(components, str) or not all(isinstance(part, str) for part in components):
            raise TypeError("components must be a sequence of strings")
        object.__setattr__(self, "components", tuple(components))

    @classmethod
    def fresh(cls, size: int) -> ModelMetadata:
        """The metadata of a model that was given none: ``custom`` holds its size in bytes."""
        return cls(custom={SIZE_KEY: str(size)})

    def stored(self, size: int) -> dict[str, Any]:
        """The JSON object the file holds for a model of ``size`` raw bytes, keys sorted; empty if nothing is given."""
        custom = {key: value for key, value in self.custom.items() if (key, value) != (SIZE_KEY, str(size))}
        fields: dict[str, Any] = {
            "architecture": self.architecture,
            "components": list(self.components),
            "custom": custom,
            "format": self.format,
            "hyperparameters": self.hyperparameters,
            "version": self.version,
        }
        given = {key: value for key, value in fields.items() if value} | self.extra
        return dict(sorted(given.items()))


def text_mapping(name: str, value: Any) -> dict[str, str]:
    """A copy of ``value`` if it maps strings to strings (``TypeError`` about ``name`` otherwise)."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping of strings, not {type(value).__name__}")
    copy: dict[Any, Any] = dict(value)
    for key, item in copy.items():
        if not isinstance(key, str) or not isinstance(item, str):
            raise TypeError(f"{name} must map strings to strings; write {str(key)!r}: {str(item)!r}")
    return copy


class Hasher(Protocol):
    """What hashlib and xxhash objects have in common."""

    def update(self, data: Any, /) -> None:
        """Take in ``data``."""

    def digest(self) -> bytes:
        """The digest of all that was taken in."""
        ...


@dataclass(frozen=True, slots=True)
class DigestAlgorithm:
    """A way to make digests: its name, its number in the file, its length in bytes and its hasher."""

    name: str
    number: int
    length: int
    hasher: Callable[[], Hasher]


DIGEST_ALGORITHMS: Final[dict[str, DigestAlgorithm]] = {
    algorithm.name: algorithm
    for algorithm in (
        DigestAlgorithm("xxh3-128", 1, 16, xxh3_128),
        DigestAlgorithm("sha256", 2, 32, sha256),
    )
}


@dataclass(frozen=True, slots=True)
class Digest:
    """The digest of a model's stored bytes: ``algorithm`` as in :data:`DIGEST_ALGORITHMS`, lower-case ``hex``."""

    algorithm: str
    hex: str


@dataclass(frozen=True, slots=True)
class DigestTable(Sequence[Digest]):
    """One digest a model, in entry order, kept as the bytes they were read from."""

    algorithm: DigestAlgorithm
    data: bytes | memoryview = field(repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.algorithm, bytes(self.data))

    def __len__(self) -> int:
        return len(self.data) // self.algorithm.length

    @overload
    def __getitem__(self, index: int) -> Digest: ...
    @overload
    def __getitem__(self, index: slice) -> list[Digest]: ...
    def __getitem__(self, index: int | slice) -> Digest | list[Digest]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        at = index % len(self) * self.algorithm.length
        return Digest(self.algorithm.name, self.data[at : at + self.algorithm.length].hex())


@dataclass(frozen=True, slots=True)
class Compression:
    """How a stored model decodes: zstd frames of ``chunk`` raw bytes each (the last may be shorter).

    ``ends[i]`` is where frame ``i`` ends inside the stored model, exclusive; the last equals the stored size.
    """

    raw_size: int
    chunk: int
    ends: tuple[int, ...]

    def frame(self, index: int) -> tuple[int, int, int]:
        """Start and end (exclusive) of frame ``index`` in the stored model, and the raw bytes it holds."""
        start = self.ends[index - 1] if index else 0
        return start, self.ends[index], min(self.chunk, self.raw_size - index * self.chunk)


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of a bundle.

    ``size`` is in bytes as stored and ``offset`` counts from the bundle's data offset, both as in the manifest.
    """

    name: str
    size: int
    offset: int
    metadata: ModelMetadata = field(default_factory=ModelMetadata)
    digest: Digest | None = None
    compression: Compression | None = None

    @property
    def raw_size(self) -> int:
        """Bytes a reader of the model gets: ``size`` unless it is compressed."""
        return self.size if self.compression is None else self.compression.raw_size

    @property
    def compressed(self) -> bool:
        """Whether the stored bytes are zstd frames."""
        return self.compression is not None

    def with_fresh_metadata(self) -> ModelEntry:
        """The same, except that a model which was given no metadata has that of a fresh one."""
        if self.metadata != ModelMetadata():
            return self
        return replace(self, metadata=ModelMetadata.fresh(self.raw_size))

    @property
    def components(self) -> tuple[str, ...]:
        """The parts of the payload that its metadata names."""
        return self.metadata.components

    @property
    def format(self) -> str:
        """The payload's file format as its metadata states it; empty if it does not."""
        return self.metadata.format
