"""Makes the environment known to gymnasium by its name, without loading the simulator."""

from __future__ import annotations

ENVIRONMENT = "AutoGLMGrasp-v0"
LONGEST_STEPS = 600  # 19.8 s


def register() -> None:
    """Register `AutoGLMGrasp-v0`, if it is not yet; needs gymnasium."""
    from gymnasium.envs import registration

    if ENVIRONMENT not in registration.registry:
        entry_point = "autoglm_embodied_sim.gym.environment:GraspEnvironment"
        registration.register(ENVIRONMENT, entry_point, max_episode_steps=LONGEST_STEPS)
