"""Build a bundle of files in this process and print its memory before, and the peak, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from measure import peak_memory

from apbundle import BundleConfig, ModelBundle


def build(target: Path, sources: list[Path], digest: str) -> None:
    """Build one bundle of ``sources``."""
    builder = ModelBundle.builder(target).with_config(BundleConfig(digest=digest))
    for index, source in enumerate(sources):
        builder.add_model(f"model{index}", source)
    builder.build().close()


def main() -> None:
    """Build ``TARGET SOURCE…``."""
    target, *sources = map(Path, sys.argv[1:])
    base = peak_memory()
    build(target, sources, "xxh3-128")
    print(json.dumps({"base": base, "peak": peak_memory()}))


if __name__ == "__main__":
    main()
