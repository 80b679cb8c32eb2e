"""Makes the environment known to gymnasium by its name, without loading the simulator."""

from __future__ import annotations

ENVIRONMENT = "AutoGLMGrasp-v0"
LONGEST_STEPS = 600  # 19.8 s


def register() -> None:
    """Register `AutoGLMGrasp-v0`; needs gymnasium."""
    from gymnasium.envs.registration import register

    entry_point = "autoglm_embodied_sim.environment:GraspEnvironment"
    register(ENVIRONMENT, entry_point, max_episode_steps=LONGEST_STEPS)
