"""What lies beside weights in a model folder of a model hub: a configuration, an index of shards, a tokenizer.

Read as strangers' files are: bounded, and what is odd counts as not there.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from apbundle.errors import BundleError
from apbundle.fileio import InputFile
from apbundle_gui.services.details import MOST, Detail, Details, Group, Origin, as_text, merged

CONFIG: Final = "config.json"
_MAX_CONFIG: Final = 1 << 20
_MAX_INDEX: Final = 64 << 20
_INDEX: Final = ".index.json"
_SHARD: Final = re.compile(r"(.+)-([0-9]{5,})-of-([0-9]{5,})(\.[a-z0-9]+)", re.IGNORECASE)
_TOKENIZER: Final = frozenset(
    {
        "added_tokens.json",
        "chat_template.jinja",
        "merges.txt",
        "sentencepiece.bpe.model",
        "special_tokens_map.json",
        "spiece.model",
        "tokenizer.json",
        "tokenizer.model",
        "tokenizer_config.json",
        "vocab.json",
        "vocab.txt",
    }
)
_NOT_TOLD: Final = frozenset({"architectures", "torch_dtype", "dtype", "use_cache"})


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """What is known of one folder besides its weights.

    Parameters
    ----------
    details
        What the configuration says of every model in it.
    shards
        Of each file that the indexes name: its place among those of one index, from 1, and how many they are.
    missing
        Files that an index names and that are not there.
    reasons
        Why other files are no models, by name.
    """

    details: Details = ()
    shards: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> Details:
        """What is said of the file called ``name``."""
        shard = self.shards.get(name)
        if shard is None:
            return self.details
        told = Detail(Group.CUSTOM, "shard", f"{shard[0]} of {shard[1]}", Origin.INDEX)
        return merged(self.details, (told,))


def read_folder(folder: str, names: Sequence[str]) -> ModelFolder:
    """Look at the files called ``names`` in a folder for what belongs to the others."""
    reasons = {name: "tokenizer" for name in names if name.lower() in _TOKENIZER}
    details: Details = ()
    if CONFIG in names:
        document = _document(os.path.join(folder, CONFIG), _MAX_CONFIG)
        if is_config(document):
            details = config_details(document)
            reasons[CONFIG] = "read into the metadata"
    shards: dict[str, tuple[int, int]] = {}
    missing: list[str] = []
    for name in names:
        if name.endswith(_INDEX):
            listed = _listed(_document(os.path.join(folder, name), _MAX_INDEX))
            if listed:
                reasons[name] = "index of shards"
                shards |= {shard: (at, len(listed)) for at, shard in enumerate(listed, 1)}
                missing += [shard for shard in listed if shard not in names]
    shards = {name: place for name, place in _by_name(names).items() if name not in shards} | shards
    reasons |= _same_weights(names)
    return ModelFolder(details, shards, tuple(dict.fromkeys(missing)), reasons)


def is_config(document: Mapping[str, Any]) -> bool:
    """Whether it is the configuration of a model, and not any other file of that name."""
    return isinstance(document.get("model_type"), str) or isinstance(document.get("architectures"), list)


def config_details(document: Mapping[str, Any]) -> Details:
    """A model's configuration as metadata: its architecture, and its scalars as hyperparameters."""
    found = []
    architectures = document.get("architectures")
    named = architectures[0] if isinstance(architectures, list) and architectures else document.get("model_type")
    if (text := as_text(named)) is not None and isinstance(named, str):
        found.append(Detail(Group.ARCHITECTURE, "", text, Origin.CONFIG))
    for key, text in _scalars(document):
        group = Group.CUSTOM if key in ("model_type", "transformers_version") else Group.HYPERPARAMETERS
        found.append(Detail(group, key, text, Origin.CONFIG))
    return merged(found[:MOST])


def _scalars(document: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """The scalars of a configuration; those of its parts, one level down, under ``part.key``."""
    for key, value in document.items():
        if key.startswith("_") or key in _NOT_TOLD:
            continue
        if isinstance(value, dict):
            inner = ((f"{key}.{name}", as_text(each)) for name, each in value.items() if not name.startswith("_"))
            yield from ((name, text) for name, text in inner if text is not None)
        elif (text := as_text(value)) is not None:
            yield key, text


def _document(path: str, most: int) -> Mapping[str, Any]:
    """The JSON object in a file; an empty one where there is none."""
    try:
        with InputFile.open(path) as file:
            if file.size > most:
                return {}
            document = json.loads(file.read(0, file.size))
    except (BundleError, OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _listed(document: Mapping[str, Any]) -> list[str]:
    """The files that an index of shards names, in order; only plain names in the same folder."""
    mapping = document.get("weight_map")
    if not isinstance(mapping, dict):
        return []
    names = {
        name for name in mapping.values() if isinstance(name, str) and name and "/" not in name and "\0" not in name
    }
    return sorted(names)


def _by_name(names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """What the names of shards say by themselves, where no index does."""
    found = {}
    for name in names:
        if (match := _SHARD.fullmatch(name)) is not None:
            found[name] = int(match[2]), int(match[3])
    return found


def _same_weights(names: Sequence[str]) -> dict[str, str]:
    """Files that hold the same weights as safetensors beside them, in an older form."""
    safe = next((name for name in names if name.startswith("model") and name.endswith(".safetensors")), None)
    if safe is None:
        return {}
    older = ("pytorch_model", "tf_model", "flax_model", "rust_model")
    return {
        name: f"the same weights as {safe}" for name in names if name.startswith(older) and not name.endswith(_INDEX)
    }
