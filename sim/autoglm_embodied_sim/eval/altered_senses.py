"""What a policy is told in place of what its sensors deliver; judge, governor and peak force go by what really is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from autoglm_embodied.grasping.hand import HandRig, WrappedRig
from autoglm_embodied.types import FloatArray, Observation
from autoglm_embodied_sim.eval.alteration import Alteration
from autoglm_embodied_sim.robots.hand_rig import RigWithoutForce, SuiteRig

T = TypeVar("T")


class AlteredSenses:
    """The senses of one policy in one episode; without alterations it is told what its sensors deliver.

    Args:
        altered: at most one of each sense.
        said: in place of the instruction; None: that.
        swapped: what was `felt` in another episode. It is told from the beginning of this one on, and again from its
            own beginning once it has ended.
    """

    def __init__(
        self, altered: Sequence[Alteration] = (), said: str | None = None, swapped: Sequence[Any] = ()
    ) -> None:
        self._how = {each.sense: each.how for each in altered}
        self._said, self._swapped = said, swapped
        self._first: dict[str, Any] = {}
        self.felt: list[Any] = []
        """What was delivered: force at each tick of a pipeline, or (6,) on the wrist at each step of a rig [N, N·m]."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The senses that are withheld."""
        return tuple(sense for sense, how in self._how.items() if how == "without")

    def alters(self, sense: str) -> bool:
        """Whether the policy is told anything else of this sense."""
        return sense in self._how

    def words(self, instruction: str) -> str:
        """What is said in place of an instruction."""
        return instruction if self._said is None else self._said

    def on(self, rig: HandRig) -> HandRig:
        """What a policy is shown of a rig, but for the readings of its wrist."""
        if "force" in self.missing:
            rig = RigWithoutForce(rig)
        if self._how.get("vision") == "frozen":
            camera, rig = rig.look, WrappedRig(rig)
            rig.look = lambda: self.told("vision", camera())
        return rig

    def wrist_of(self, rig: SuiteRig) -> Callable[[FloatArray], FloatArray] | None:
        """What SuiteRig.told is to be from now on."""
        if not self.alters("force") or "force" in self.missing:
            return None
        began_ns, step_ns = rig.time_ns, 1e9 * rig.model.opt.timestep

        def told(readings: FloatArray) -> FloatArray:
            newest = round((rig.time_ns - began_ns) / step_ns)
            steps = range(newest - len(readings), newest)
            instead = self.told(
                "force",
                readings[:1],
                zeroed=lambda: np.zeros_like(readings),
                swapped=lambda: np.stack([self._swapped[step % len(self._swapped)] for step in steps]),
            )
            return np.broadcast_to(instead, readings.shape)

        return told

    def observation(self, observation: Observation) -> Observation:
        """What a policy is shown of the observation of a tick; what is absent stays absent."""
        tick, vision, force = len(self.felt), observation.vision.value, observation.force.value
        self.felt.append(force)
        if force is not None:
            zeros = replace(force, raw=np.zeros_like(force.raw), pyramid=np.zeros_like(force.pyramid))
            force = self.told(
                "force", force, zeroed=lambda: zeros, swapped=lambda: self._swapped[tick % len(self._swapped)]
            )
        if vision is not None:
            vision = self.told("vision", vision)
        return replace(
            observation,
            vision=replace(observation.vision, value=vision),
            force=replace(observation.force, value=force),
        )

    def told(self, sense: str, value: T, **instead: Callable[[], T]) -> T:
        """What the policy is told of a sense that is not missing.

        Args:
            sense: of which the value is.
            value: what the sensor delivers.
            instead: makes what is told where the sense is altered so; where it is frozen, that is the first value.
        """
        how = self._how.get(sense, "")
        if how == "frozen":
            first: T = self._first.setdefault(sense, value)
            return first
        return instead[how]() if how in instead else value
