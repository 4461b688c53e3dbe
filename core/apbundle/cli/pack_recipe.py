"""``apbundle pack RECIPE.toml``: the bundle that a recipe describes."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace

from apbundle.cli.failures import UsageError
from apbundle.cli.sparing import spare_models
from apbundle.cli.working import working
from apbundle.recipe.building import build_recipe
from apbundle.recipe.reading import read_recipe

_SAID_BY_THE_RECIPE = ("description", "align", "digest", "compress", "meta", "plain")


def pack_recipe(options: Namespace) -> str:
    """Build the recipe that is the only operand and return the path written.

    Raises
    ------
    UsageError
        There are other operands, options that the recipe has to say, or no place for the bundle.
    BundleError, OSError
    """
    path, *others = options.models
    if others:
        raise UsageError(f"{path!r} is a recipe and names the models; leave out {others[0]!r}")
    wrong = next((name for name in _SAID_BY_THE_RECIPE if getattr(options, name)), None)
    if wrong is not None:
        raise UsageError(f"a recipe says itself what --{wrong} would", f"Change it in {path}.")
    recipe = read_recipe(path)
    out = options.out or recipe.output
    if out is None:
        raise UsageError("the recipe names no output", "Say where the bundle goes: -o OUT.")
    if options.created_at is not None:
        recipe = replace(recipe, created_at=options.created_at)
    if out.lower().endswith(".toml"):
        raise UsageError(f"{out!r} would be a bundle with the name of a recipe", "Give it another ending.")
    spare_models(out)
    with working() as (progress, cancel):
        return build_recipe(recipe, out, progress=progress, cancel=cancel)
