"""Verify a bundle in this process and print its memory before, and the peak, as JSON."""

from __future__ import annotations

import json
import sys

from measure import peak_memory

from apbundle import ModelBundle


def main() -> None:
    """Verify the bundle given."""
    base = peak_memory()
    with ModelBundle.load(sys.argv[1]) as bundle:
        assert bundle.verify().status == "verified"
    print(json.dumps({"base": base, "peak": peak_memory()}))


if __name__ == "__main__":
    main()
