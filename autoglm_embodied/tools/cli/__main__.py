"""`python -m autoglm_embodied.tools.cli`: the console command where its script is not installed."""

from __future__ import annotations

import sys

from autoglm_embodied.tools.cli import main

sys.exit(main())
