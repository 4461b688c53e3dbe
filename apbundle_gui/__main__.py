"""``python -m apbundle_gui``."""

import sys

from apbundle_gui.app import main

sys.exit(main())
