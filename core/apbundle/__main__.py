"""``python -m apbundle``: the program ``apbundle``."""

import sys

from apbundle.cli import main

sys.exit(main())
