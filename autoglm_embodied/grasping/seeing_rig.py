"""A rig whose images are told apart by the segmenter instead of the simulator."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from autoglm_embodied.grasping.grasp import EMPTY_M
from autoglm_embodied.grasping.hand import NOTHING, HandRig, View, WrappedRig
from autoglm_embodied.model.checkpoint import SHIPPED_SEGMENTER, load_segmenter
from autoglm_embodied.model.instances import segment
from autoglm_embodied.model.object_segmenter import ObjectSegmenter
from autoglm_embodied.model.zero_shot import ZeroShotDetector
from autoglm_embodied.policy.named_target import NamedTarget, confirmed
from autoglm_embodied.types import Referent

LOOKS = 3  # before the hand sets out
NAMED = 0  # index of the object in what is seen; the others follow


class SeeingRig(WrappedRig):
    """The same rig, whose objects the camera has to tell apart.

    Args:
        rig: that looks and moves.
        target: what is named; None where any object will do.
    """

    def __init__(self, rig: HandRig, target: NamedTarget | None) -> None:
        super().__init__(rig)
        self._target, self._closed = target, False

    def of(self, rig: HandRig) -> SeeingRig:
        """The same eyes on the same rig in another wrapper."""
        return SeeingRig(rig, self._target)

    def find(self) -> Referent:
        """How many objects the words mean; ONE where none is named."""
        if self._target is None:
            return Referent.ONE
        return confirmed(self._target, [self._rig.look().frame for _ in range(LOOKS)]).referent

    def look(self) -> View:
        """See HandRig; the named object is NAMED."""
        frame = self._rig.look().frame
        if self._target is None:
            return View(frame, segment(segmenter_of(), frame, self._rig.half_size_m).owner)
        carries = self._closed and self._rig.width_m > EMPTY_M
        seen, index = self._target.follow(frame, where_it_lay=carries)
        label = np.arange(1, len(seen.instances) + 2, dtype=np.int16)
        label[-1] = NOTHING  # of the pixels that show no instance, whose index is -1
        if index is not None:
            label[index] = NAMED
        return View(frame, label[seen.owner])

    def grip(self, width_m: float) -> float:
        """See HandRig."""
        self._closed = width_m == 0.0
        return self._rig.grip(width_m)


def seeing(rig: HandRig, words: str, rng: np.random.Generator, detector: ZeroShotDetector | None = None) -> SeeingRig:
    """A rig that looks for what words name, with a detector's help if there is one.

    Raises:
        InstructionError: they ask for no object.
    """
    target = NamedTarget(segmenter_of(), words, rng, detector=detector, half_size_m=rig.half_size_m)
    return SeeingRig(rig, target)


@lru_cache(maxsize=1)
def segmenter_of(directory: Path = SHIPPED_SEGMENTER) -> ObjectSegmenter:
    """The segmenter of a folder, by default the one that is shipped; read once a process."""
    torch.set_num_threads(1)  # more would fight over the cores with other workers
    return load_segmenter(directory, "cpu")
