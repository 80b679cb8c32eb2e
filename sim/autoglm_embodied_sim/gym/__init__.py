"""The simulated arm as the gymnasium environment `AutoGLMGrasp-v0`, made known by its name without being loaded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import SupportsInt

ENVIRONMENT = "AutoGLMGrasp-v0"
LONGEST_STEPS = 600  # 19.8 s


def register() -> None:
    """Register `AutoGLMGrasp-v0`, if it is not yet; needs gymnasium."""
    from gymnasium.envs import registration

    if ENVIRONMENT not in registration.registry:
        entry_point = f"{__name__}.environment:GraspEnvironment"
        registration.register(ENVIRONMENT, entry_point, max_episode_steps=LONGEST_STEPS)


def instruction_text(codes: Iterable[SupportsInt]) -> str:
    """The sentence of one observation's `instruction`, (n,) codes of UTF-8 behind which zeros stand."""
    return bytes(map(int, codes)).rstrip(b"\0").decode()
