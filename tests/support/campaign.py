"""How long tests of chance run: briefly by default, as long as one likes before a release."""

from __future__ import annotations

import os

FACTOR = int(os.environ.get("APBUNDLE_CAMPAIGN", "1"))
"""How many times the usual number of rounds is asked for."""


def rounds(usual: int) -> int:
    """The number of rounds to run where ``usual`` would do."""
    return usual * FACTOR
