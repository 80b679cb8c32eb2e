"""`python -m autoglm_embodied.tools.cli`: the console command where its script is not installed."""

from __future__ import annotations

from autoglm_embodied.tools.cli import run_and_exit

run_and_exit()
