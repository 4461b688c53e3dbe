"""From a recipe to a bundle."""

from __future__ import annotations

import os
from contextlib import ExitStack

from apbundle.config import creation_time
from apbundle.errors import BundleError, bundle_error
from apbundle.fileio import StrPath
from apbundle.format.reader import BundleReader
from apbundle.format.sources import DecodedSource, FileSource, NewModel, StoredSource
from apbundle.format.writer import WriteOptions, write_bundle
from apbundle.progress import Cancel, Progress
from apbundle.recipe.model import BundledModel, Recipe, RecipeModel


def build_recipe(
    recipe: Recipe,
    target: StrPath | None = None,
    *,
    overwrite: bool = True,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> str:
    """Build the bundle that ``recipe`` describes and return the path written.

    The same bytes as a builder gives that is told the same.

    Parameters
    ----------
    target
        Where to; by default the recipe's ``output``.

    Raises
    ------
    ValueError
        Neither says where to.
    BundleError, OSError
        As for :meth:`BundleBuilder.build`, and what opening another bundle raises.
    """
    where = recipe.output if target is None else target
    if where is None:
        raise ValueError("the recipe names no output: say where the bundle goes")
    with OpenRecipe(recipe) as opened:
        return write_bundle(where, opened.models, opened.options, overwrite=overwrite, progress=progress, cancel=cancel)


class OpenRecipe:
    """A recipe with its sources open: what the writer is given. Use it as a context manager.

    Attributes
    ----------
    models
        The enabled models, ready to be written.
    options
        How they are written.

    Raises
    ------
    BundleError, OSError
        A source cannot be opened.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._readers: dict[str, BundleReader] = {}
        config = recipe.config()
        created_at = creation_time() if recipe.created_at is None else recipe.created_at
        self.options = WriteOptions(
            description=recipe.description,
            created_at=created_at,
            alignment=config.alignment,
            digest=config.digest,
            plain=config.plain,
            metadata=recipe.metadata,
        )
        with ExitStack() as stack:
            stack.callback(self.close)
            self.models = [self._new_model(model) for model in recipe.enabled_models]
            stack.pop_all()

    def _new_model(self, model: RecipeModel) -> NewModel:
        if isinstance(model.source, str):
            return NewModel(model.name, FileSource(model.source), model.metadata, model.compress)
        reader, name = self._reader(model.source), model.source.model
        try:
            entry = reader.readable_entry(name)
        except BundleError as error:
            if error.code == "model_not_found":
                error.hint = f"The recipe takes {model.name!r} from it; apbundle info lists the models it has."
            raise
        if entry.compressed and not model.compress:
            return NewModel(model.name, DecodedSource(reader, entry), model.metadata)
        compress = model.compress and not entry.compressed
        return NewModel(model.name, StoredSource(reader, entry), model.metadata, compress, entry.compression)

    def _reader(self, source: BundledModel) -> BundleReader:
        key = os.path.realpath(source.bundle)
        if key not in self._readers:
            reader = self._readers[key] = BundleReader.open(source.bundle)
            if reader.extension_error is not None and reader.extension_error.code == "unsupported_feature":
                raise bundle_error(
                    "unsupported_feature",
                    f"Models cannot be taken from this bundle: {reader.extension_error.message}",
                    path=source.bundle,
                )
        return self._readers[key]

    def close(self) -> None:
        """Close the bundles that models come from."""
        for reader in self._readers.values():
            reader.close()

    def __enter__(self) -> OpenRecipe:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
