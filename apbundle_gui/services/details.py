"""What is said of a model besides its bytes, field by field, each with where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from apbundle.format.model import SIZE_KEY, ModelMetadata
from apbundle.payload.sink import Value

LONGEST: Final = 4096
"""Longest text that is taken out of a file unasked, in characters."""
NO_METADATA: Final = ModelMetadata()
"""What is said of a model nothing is said of."""
MOST: Final = 256
"""How many fields are taken out of one file unasked."""


class Group(StrEnum):
    """Where in the metadata of a model a field stands."""

    VERSION = "version"
    ARCHITECTURE = "architecture"
    HYPERPARAMETERS = "hyperparameters"
    CUSTOM = "custom"


class Origin(StrEnum):
    """Where a value came from."""

    HEADER = "payload header"
    CONFIG = "config.json"
    INDEX = "index of shards"
    BUNDLE = "bundle"
    RECIPE = "recipe"
    YOU = "you"

    @property
    def short(self) -> str:
        """The same where there is little room."""
        return {Origin.HEADER: "header", Origin.INDEX: "shards"}.get(self, self.value)


Field = tuple[Group, str]
"""Names a field: its group, and its key where the group holds several."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One field and its value. ``key`` is empty for the version and the architecture."""

    group: Group
    key: str
    text: str
    origin: Origin

    @property
    def field(self) -> Field:
        """Which field it is."""
        return self.group, self.key


Details = tuple[Detail, ...]


def merged(*given: Iterable[Detail]) -> Details:
    """All of them in the order of the groups; where several speak of one field, the first does."""
    found: dict[Field, Detail] = {}
    for details in given:
        for detail in details:
            found.setdefault(detail.field, detail)
    groups = list(Group)
    return tuple(sorted(found.values(), key=lambda detail: groups.index(detail.group)))


def details_of(metadata: ModelMetadata, origin: Origin) -> Details:
    """The fields of a model's metadata that are shown and edited."""
    found = [Detail(Group.VERSION, "", metadata.version, origin)] if metadata.version else []
    if metadata.architecture:
        found.append(Detail(Group.ARCHITECTURE, "", metadata.architecture, origin))
    found += [Detail(Group.HYPERPARAMETERS, key, text, origin) for key, text in metadata.hyperparameters.items()]
    found += [Detail(Group.CUSTOM, key, text, origin) for key, text in metadata.custom.items() if key != SIZE_KEY]
    return tuple(found)


def metadata_of(details: Sequence[Detail], carried: ModelMetadata) -> ModelMetadata:
    """What the bundle says of a model with these fields. ``carried`` has what is kept and not shown."""
    if not details and carried == NO_METADATA:
        return carried

    def table(group: Group) -> dict[str, str]:
        return {detail.key: detail.text for detail in details if detail.group is group}

    return ModelMetadata(
        table(Group.VERSION).get("", ""),
        table(Group.ARCHITECTURE).get("", ""),
        table(Group.HYPERPARAMETERS),
        table(Group.CUSTOM),
        carried.components,
        carried.format,
        carried.extra,
    )


def carried_of(metadata: ModelMetadata) -> ModelMetadata:
    """What of a model's metadata is kept and not shown."""
    return ModelMetadata(components=metadata.components, format=metadata.format, extra=metadata.extra)


def as_text(value: object) -> str | None:
    """A scalar as the bundle holds it, which is text; ``None`` for anything else, and for what is too long."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str) and 0 < len(value) <= LONGEST:
        try:
            value.encode()
        except UnicodeEncodeError:
            return None
        return value
    return None


_GENERAL: Final = "general."
_MODELSPEC: Final = "modelspec."
_NOT_TOLD: Final = frozenset({"format", "alignment", "file_type", "quantization_version"})
"""What headers hold for their own readers."""


def header_details(layout: str, metadata: Sequence[tuple[str, Value]]) -> Details:
    """What a payload's header says that belongs into the bundle's metadata.

    GGUF calls the architecture ``general.architecture`` and prefixes the hyperparameters with it; safetensors has free
    pairs, among which ``modelspec.*`` are known. What else a header holds stays in the header.
    """
    texts = [(key, text) for key, value in metadata[: 16 * MOST] if (text := as_text(value)) is not None]
    if layout == "gguf":
        return _gguf(dict(texts))
    if layout == "safetensors":
        return _safetensors(texts)
    return ()


def _gguf(texts: dict[str, str]) -> Details:
    architecture = texts.get(f"{_GENERAL}architecture", "")
    found = [Detail(Group.ARCHITECTURE, "", architecture, Origin.HEADER)] if architecture else []
    for key, text in texts.items():
        short = key.removeprefix(_GENERAL)
        if short == "version":
            found.append(Detail(Group.VERSION, "", text, Origin.HEADER))
        elif short != key and short != "architecture" and short not in _NOT_TOLD:
            found.append(Detail(Group.CUSTOM, short, text, Origin.HEADER))
        elif architecture and key.startswith(f"{architecture}."):
            name = key.removeprefix(f"{architecture}.")
            found.append(Detail(Group.HYPERPARAMETERS, name, text, Origin.HEADER))
    return merged(found[:MOST])


def _safetensors(texts: Sequence[tuple[str, str]]) -> Details:
    groups = {"version": Group.VERSION, "architecture": Group.ARCHITECTURE}
    found = []
    for key, text in texts[:MOST]:
        short = key.removeprefix(_MODELSPEC)
        if short in groups:
            found.append(Detail(groups[short], "", text, Origin.HEADER))
        elif short not in _NOT_TOLD and short:
            found.append(Detail(Group.CUSTOM, short, text, Origin.HEADER))
    return merged(found)
