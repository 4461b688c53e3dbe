"""A draft as a command line and as Python that build the same bundle."""

from __future__ import annotations

from collections.abc import Iterator

from apbundle.format.model import ModelMetadata
from apbundle.recipe.model import BundledModel, Recipe, RecipeModel
from apbundle_gui.models.copies import quoted


class NoCommand(ValueError):
    """Why a recipe cannot be said in one command; in words."""


def pack_command(recipe: Recipe) -> str:
    """The command that builds what ``recipe`` describes.

    Raises
    ------
    NoCommand
        A command line cannot say all of it.
    """
    if recipe.metadata:
        raise NoCommand("a command cannot give the bundle metadata of its own")
    models = recipe.enabled_models
    words = ["apbundle", "pack", *_bundle_options(recipe)]
    names = {model.name for model in models}
    for model in models:
        words += _model_options(model, names)
    words += ["--", quoted(recipe.output or "models.apbundle")]
    for model in models:
        assert isinstance(model.source, str)
        words.append(quoted(f"{model.name}={model.source}"))
    return " ".join(words)


def _bundle_options(recipe: Recipe) -> Iterator[str]:
    if recipe.description:
        yield from ("--description", quoted(recipe.description))
    if not recipe.extension:
        yield "--plain"
    else:
        yield from ("--align", str(recipe.alignment), "--digest", recipe.digest or "none")
    if recipe.created_at is not None:
        yield from ("--created-at", str(recipe.created_at))


def _model_options(model: RecipeModel, names: set[str]) -> Iterator[str]:
    name, said = model.name, model.metadata
    if isinstance(model.source, BundledModel):
        raise NoCommand("a command takes files, not models of other bundles")
    if "=" in name or not name:
        raise NoCommand("a command cannot name a model like that")
    if said.components or said.format or said.extra:
        raise NoCommand("a command cannot say all that is said of the models")
    if model.compress:
        yield from ("--compress", quoted(name))
    pairs = [("version", said.version), ("architecture", said.architecture)]
    pairs = [pair for pair in pairs if pair[1]]
    for group in ("hyperparameters", "custom"):
        pairs += [(f"{group}.{key}", text) for key, text in getattr(said, group).items()]
    for key, text in pairs:
        given = f"{name}.{key}={text}"
        mistaken = any(len(other) > len(name) and given.startswith(f"{other}.") for other in names)
        if mistaken or "=" in key or key.endswith("."):
            raise NoCommand("a command cannot say all that is said of the models")
        yield from ("--meta", quoted(given))


def pack_python(recipe: Recipe) -> str:
    """Python that builds what ``recipe`` describes."""
    models = recipe.enabled_models
    bundles = list(dict.fromkeys(m.source.bundle for m in models if isinstance(m.source, BundledModel)))
    full = any(_is_full(model.metadata) for model in models)
    names = ["BundleConfig", "ModelBundle", *(["ModelMetadata"] if full else [])]
    lines = [f"from apbundle import {', '.join(names)}", ""]
    lines += [f"source_{number} = ModelBundle.load({path!a})" for number, path in enumerate(bundles, 1)]
    lines.append(f"builder = ModelBundle.builder({recipe.output or 'models.apbundle'!a})")
    for model in models:
        source = model.source
        if isinstance(source, BundledModel):
            data = f"source_{bundles.index(source.bundle) + 1}.get_model({source.model!a})"
        else:
            data = f"{source!a}"
        details = "".join(f", {key}={value}" for key, value in _details(model))
        lines.append(f"builder.add_model({model.name!a}, {data}{details})")
    if recipe.description:
        lines.append(f"builder.with_description({recipe.description!a})")
    if recipe.metadata:
        lines.append(f"builder.with_metadata({recipe.metadata!a})")
    if recipe.created_at is not None:
        lines.append(f"builder.with_created_at({recipe.created_at})")
    plain = ", plain=True" if not recipe.extension else ""
    lines.append(f"builder.with_config(BundleConfig(alignment={recipe.alignment}, digest={recipe.digest!a}{plain}))")
    lines.append("builder.build().close()")
    return "\n".join(lines) + "\n"


def _is_full(said: ModelMetadata) -> bool:
    return bool(said.components or said.format or said.extra)


def _details(model: RecipeModel) -> Iterator[tuple[str, str]]:
    said = model.metadata
    if _is_full(said):
        keys = ("version", "architecture", "hyperparameters", "custom", "components", "format", "extra")
        given = ", ".join(f"{key}={getattr(said, key)!a}" for key in keys if getattr(said, key))
        yield "metadata", f"ModelMetadata({given})"
    else:
        for key in ("version", "architecture", "hyperparameters", "custom"):
            if getattr(said, key):
                yield key, f"{getattr(said, key)!a}"
    if model.compress:
        yield "compress", "True"
