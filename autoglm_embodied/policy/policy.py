"""What every policy does."""

from __future__ import annotations

from typing import Protocol

from autoglm_embodied.types import ActionChunk, Observation


class Policy(Protocol):
    """One method for what to do next, one to forget what was done before."""

    def act(self, observation: Observation) -> ActionChunk:
        """The next H actions, the first of them for `observation.t_ns`."""
        ...

    def reset(self) -> None:
        """Forget the episode: a new instruction begins."""
        ...
