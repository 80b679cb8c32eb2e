"""What every policy does, learned, scripted or remote; wrappers that smooth or fall back are policies too."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, Protocol

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import ActionChunk, FloatArray, Frame, Observation


class Policy(Protocol):
    """Encodes a frame once, acts at every tick, and is reset when an instruction begins."""

    def encode(self, frame: Frame) -> FloatArray:
        """The slow path, once a frame.

        Returns:
            (N, D) visual tokens, float32; the aligner brings them to each tick.
        """
        ...

    def act(self, observation: Observation) -> ActionChunk | None:
        """The fast path, every tick: the next H actions, the first of them for `observation.t_ns`.

        None while it does not know yet what the words mean: the arm holds still.
        """
        ...

    def reset(self, instruction: str) -> None:
        """Forget the last episode: this instruction begins.

        Raises:
            InstructionError: the policy cannot follow it.
        """
        ...


class PolicyPlugin(Policy, Protocol):
    """A policy of another package; it is closed when the fusion node lets go of it."""

    def close(self) -> None:
        """Give back what it took: subscriptions, threads, connections."""
        ...


LEARNED = "learned"
"""The policy of a checkpoint, which is shown nothing but what the sensors say."""
NAMED = "named"
"""The policy that grasps unknown objects by name."""
PLUGINS = "autoglm.policies"
"""Entry point group of the policies of other packages: a function of the fusion node and the policy's name."""


def plugin_factory(name: str) -> Callable[[Any, str], PolicyPlugin]:
    """What makes the policy of this name; ConfigError with those installed if there is none."""
    installed = {point.name: point for point in entry_points(group=PLUGINS)}
    if name not in installed:
        known = ", ".join([LEARNED, NAMED, *sorted(installed)])
        raise ConfigError(f"parameter policy of fusion_node must be one of {known}, got {name!r}")
    factory: Callable[[Any, str], PolicyPlugin] = installed[name].load()
    return factory
