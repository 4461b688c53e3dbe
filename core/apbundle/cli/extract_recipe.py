"""``apbundle extract --recipe``: a recipe beside the models that were written, and whether it gives the same bytes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from apbundle.cli.failures import Failure, describe
from apbundle.cli.output import Output
from apbundle.errors import BundleError
from apbundle.format.extract import ExtractReport
from apbundle.format.reader import BundleReader
from apbundle.names import collision_key, safe_file_name
from apbundle.recipe.taking import differences, recipe_of
from apbundle.recipe.writing import write_recipe

_NAME = "recipe.toml"


@dataclass(frozen=True, slots=True)
class RecipeBeside:
    """What became of the recipe: where it is, what building it would change, or why it was not written."""

    path: str | None
    differences: tuple[str, ...] = ()
    failure: Failure | None = None

    @property
    def status(self) -> int:
        """The exit status it leads to."""
        return 1 if self.failure or self.differences else 0

    def to_json(self) -> dict[str, Any]:
        """``{"path", "same_bytes", "differences", "error"}``."""
        return {
            "path": self.path,
            "same_bytes": self.status == 0,
            "differences": list(self.differences),
            "error": None if self.failure is None else self.failure.to_json(),
        }

    def tell(self, output: Output) -> None:
        """Say it to people."""
        if self.failure is not None:
            output.complain(self.failure)
        elif self.differences:
            message = f"Building this recipe gives other bytes. {' '.join(self.differences)}".removesuffix(".")
            output.complain(Failure("bad_recipe", message, where=self.path or ""))
        else:
            output.line(f"recipe: {self.path}")


def write_recipe_beside(reader: BundleReader, report: ExtractReport, folder: str, *, force: bool) -> RecipeBeside:
    """Write the recipe of the bundle whose models ``report`` says were written to ``folder``."""
    if report.failed:
        return RecipeBeside(None, failure=Failure("bad_recipe", "The recipe was not written: models are missing"))
    files = {item.name: item.path for item in report.written}
    taken = {collision_key(os.path.basename(path)) for path in files.values()}
    path = os.path.join(folder, safe_file_name(_NAME, taken))
    try:
        different = tuple(differences(reader))
        return RecipeBeside(write_recipe(recipe_of(reader, files), path, overwrite=force), different)
    except (BundleError, OSError) as error:
        failure = describe(error, "Use --force to overwrite it." if isinstance(error, FileExistsError) else "")
        return RecipeBeside(None, failure=failure)
