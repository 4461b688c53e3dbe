"""``apbundle pack``: files into one bundle."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from apbundle.bundle import ModelBundle
from apbundle.cli import values
from apbundle.cli.description import describe_bundle
from apbundle.cli.failures import UsageError
from apbundle.cli.inputs import parse_inputs, parse_metadata
from apbundle.cli.output import Output
from apbundle.cli.parsing import Command
from apbundle.cli.sparing import spare_models
from apbundle.cli.tables import packed_tables
from apbundle.cli.working import working
from apbundle.config import BundleConfig, creation_time
from apbundle.errors import bundle_error
from apbundle.format import layout
from apbundle.format.model import DIGEST_ALGORITHMS
from apbundle.format.reader import BundleReader

_RECIPE_ENDING = ".toml"
_NO_DIGEST = "none"


def _operands(parser: ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT", help="the bundle to write; an old one is replaced when this is complete")
    parser.add_argument(
        "models",
        metavar="[NAME=]PATH",
        nargs="*",
        default=[],
        help="a file to store as a model, under its own name without the ending if no other is given; "
        "RECIPE.toml -o OUT builds what a recipe describes",
    )


def _options(parser: ArgumentParser) -> None:
    text = values.unicode_text
    parser.add_argument("-o", "--output", metavar="OUT", help="the bundle to write, when it is not the first operand")
    parser.add_argument("--description", type=text, default="", metavar="TEXT", help="what the bundle is, in words")
    parser.add_argument(
        "--align",
        type=values.alignment,
        metavar="BYTES",
        help=f"start every model at a multiple of this, a power of two up to 1MiB (default {layout.DEFAULT_ALIGNMENT})",
    )
    parser.add_argument(
        "--digest",
        choices=[*DIGEST_ALGORITHMS, _NO_DIGEST],
        help=f"the checksums to store (default {BundleConfig().digest})",
    )
    parser.add_argument(
        "--compress",
        action="append",
        type=text,
        default=[],
        metavar="NAME",
        help="store this model as zstd frames, which other readers of the format cannot use; may be repeated",
    )
    parser.add_argument(
        "--meta",
        action="append",
        type=text,
        default=[],
        metavar="NAME.KEY=VALUE",
        help="describe a model; KEY is version, architecture, hyperparameters.K or custom.K; may be repeated",
    )
    parser.add_argument(
        "--plain", action="store_true", help="write version 1 alone: no checksums, no metadata, no alignment"
    )
    parser.add_argument(
        "--created-at",
        type=values.seconds,
        metavar="SECONDS",
        help="the creation time since 1970 (default SOURCE_DATE_EPOCH, else now)",
    )


def _run(options: Namespace, output: Output) -> int:
    if options.output is not None:
        options.models.insert(0, options.out)
        options.out = options.output
    elif _is_recipe(options.out):
        options.models.insert(0, options.out)
        options.out = None
    from_recipe = options.models and _is_recipe(options.models[0])
    written = _pack_recipe(options) if from_recipe else _pack_models(options)
    with BundleReader.open(written) as reader:
        if output.json:
            output.document(describe_bundle(reader))
        else:
            output.show(*packed_tables(reader))
    return 0


def _is_recipe(operand: str) -> bool:
    """Whether an operand is a recipe: it ends in ``.toml``. To store one as a model, give it a name: ``NAME=PATH``."""
    return operand.lower().endswith(_RECIPE_ENDING) and "=" not in operand


def _pack_recipe(options: Namespace) -> str:
    from apbundle.cli.pack_recipe import pack_recipe  # which most bundles are packed without

    return pack_recipe(options)


def _pack_models(options: Namespace) -> str:
    inputs = parse_inputs(options.models)
    names = [item.name for item in inputs]
    metadata = parse_metadata(options.meta, names)
    unknown = next((name for name in options.compress if name not in names), None)
    if unknown is not None:
        raise UsageError(f"--compress {unknown!r} is not the name of a model", f"Nothing was written to {options.out}.")
    config = _config(options)
    spare_models(options.out)
    bundle = ModelBundle(options.description, created_at=_created_at(options))
    for item in inputs:
        compress = item.name in options.compress
        bundle.add_model(item.name, item.path, metadata=metadata.get(item.name), compress=compress)
    with working() as (progress, cancel):
        return bundle.write(options.out, config, progress=progress, cancel=cancel)


def _config(options: Namespace) -> BundleConfig:
    digest = {None: BundleConfig().digest, _NO_DIGEST: None}.get(options.digest, options.digest)
    if not options.plain:
        return BundleConfig(alignment=options.align or layout.DEFAULT_ALIGNMENT, digest=digest)
    kept_out = {
        "digests": options.digest not in (None, _NO_DIGEST),
        "alignment": options.align not in (None, 1),
        "compression": bool(options.compress),
        "metadata": bool(options.meta),
    }
    lost = [what for what, wanted in kept_out.items() if wanted]
    if lost:
        raise bundle_error(
            "unsupported_feature",
            f"A plain bundle cannot hold {' and '.join(lost)}.",
            hint="Nothing was written. Leave out --plain, or what it cannot hold.",
        )
    return BundleConfig(alignment=1, digest=None, plain=True)


def _created_at(options: Namespace) -> int:
    if options.created_at is not None:
        return int(options.created_at)
    try:
        return creation_time()
    except ValueError as error:
        raise UsageError(str(error)) from None


PACK = Command(
    "pack",
    "put models into a bundle",
    "Put files into one bundle, in the order given, or build what a recipe (a .toml file) describes. What was there\n"
    "before stays as it is until the new bundle is complete, checked and on the disk. The same files, options and\n"
    "creation time give the same bytes.",
    "pack models.apbundle encoder.safetensors best=weights/decoder.gguf --meta best.version=1.0",
    _operands,
    _options,
    _run,
)
