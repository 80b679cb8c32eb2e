"""A rig whose objects are segmented in its own camera images, and the named one, grounded once, then re-identified."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch

from autoglm_embodied.command_language.description import Slots
from autoglm_embodied.command_language.grammar import parse_command
from autoglm_embodied.errors import InstructionError
from autoglm_embodied.grasping.grasp import EMPTY_M
from autoglm_embodied.grasping.hand import NOTHING, HandRig, View, WrappedRig
from autoglm_embodied.model.checkpoint import load_segmenter
from autoglm_embodied.model.instances import Instance, SegmentedImage, segment
from autoglm_embodied.model.object_segmenter import ObjectSegmenter
from autoglm_embodied.model.zero_shot import ZeroShotDetector
from autoglm_embodied.policy.reference import Reference, refer, unknown_nouns
from autoglm_embodied.types import FloatArray, Frame, Intent, Referent
from autoglm_embodied.vocabulary import FILLER, VERBS, words

FAR_M, LIKE_SIZE, LIKE_COLOUR = 0.04, 0.35, 0.55  # differences that count alike
ALIKE, STILL_THERE = 1.7, 1.0  # sum of the differences up to which it is the same one: anywhere, and where it lay
MOST_FAR = 1.0  # that a difference of place counts: it may have rolled


@dataclass
class NamedTarget:
    """What an instruction names, and where it was seen last.

    Args:
        segmenter: in inference mode.
        instruction: a sentence that asks for a grasp.
        rng: see `refer`.
        language: BCP-47 tag of the sentence.
        detector: of nouns that the segmenter does not know; without it these name nothing.
        half_size_m: of the area in which objects lie, see `segment`.

    Raises:
        InstructionError: it asks for no grasp.
    """

    segmenter: ObjectSegmenter
    instruction: str
    rng: np.random.Generator
    language: str = "en"
    detector: ZeroShotDetector | None = None
    half_size_m: tuple[float, ...] = (np.inf, np.inf)
    last: Instance | None = None

    def __post_init__(self) -> None:
        self._slots = slots_of(self.instruction, self.language)

    def find(self, frame: Frame) -> tuple[SegmentedImage, Reference]:
        """The objects in a frame, and what the words mean among them."""
        seen = segment(self.segmenter, frame, self.half_size_m)
        meant = refer(self._slots, seen.instances, self.rng, self._further(frame, seen))
        if meant.index is not None:
            self.last = seen.instances[meant.index]
        return seen, meant

    def _further(self, frame: Frame, seen: SegmentedImage) -> dict[str, FloatArray]:
        """The nouns that only the detector knows, with the probability (n,) that each names an object."""
        if self.detector is None:
            return {}
        named, count = self.detector.named, len(seen.instances)
        return {noun: named(frame.rgb, noun, seen.owner, count) for noun in unknown_nouns(self._slots)}

    def follow(self, frame: Frame, where_it_lay: bool) -> tuple[SegmentedImage, int | None]:
        """The objects in a frame, and which of them was found before; None if it is not there.

        Args:
            frame: newer than the last one.
            where_it_lay: whether only an object that lies there still may be it, as when it may be in the hand.
        """
        seen = segment(self.segmenter, frame, self.half_size_m)
        if self.last is None:
            return seen, None
        unlike = [_difference(self.last, each) for each in seen.instances]
        if not unlike or min(unlike) > (STILL_THERE if where_it_lay else ALIKE):
            return seen, None
        index = int(np.argmin(unlike))
        self.last = replace(self.last, centre_m=seen.instances[index].centre_m)
        return seen, index


def slots_of(instruction: str, language: str = "en") -> Slots:
    """What an instruction says of the object it asks for; nothing where any will do ("take the thing").

    Args:
        instruction: a sentence.
        language: BCP-47 tag.

    Raises:
        InstructionError: it asks for no grasp.
    """
    command = parse_command(instruction, language)
    if command is not None and command.intent is Intent.GRASP:
        return command.slots
    said = words(instruction)
    if command is None and set(said) & VERBS and set(said) <= VERBS | FILLER:
        return {}
    raise InstructionError(f"{instruction!r} asks for no object; say, for example, pick up the red cube")


def confirmed(target: NamedTarget, frames: list[Frame]) -> Reference:
    """What the words mean in most of several frames; one in which they mean one object is found last."""
    found = [(target.find(frame)[1], target.last) for frame in frames]
    kinds = [meant.referent for meant, _ in found]
    kind = max(Referent, key=kinds.count)
    best, last = max((pair for pair in found if pair[0].referent is kind), key=lambda pair: pair[0].probability)
    target.last = last if kind is Referent.ONE else None
    return best


def _difference(one: Instance, other: Instance) -> float:
    """How unlike two objects are, in place, size and colour."""
    far = min(MOST_FAR, float(np.linalg.norm(one.centre_m[:2] - other.centre_m[:2])) / FAR_M)
    size = abs(float(np.log(one.size_m * one.span_m / (other.size_m * other.span_m)))) / 2
    colour = float(np.abs(one.colour - other.colour).sum()) / 2
    return far + size / LIKE_SIZE + colour / LIKE_COLOUR


LOOKS = 3  # before the hand sets out
NAMED = 0  # index of the object in what is seen; the others follow


class SeeingRig(WrappedRig):
    """The same rig, whose objects the segmenter tells apart instead of the simulator.

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
def segmenter_of() -> ObjectSegmenter:
    """The segmenter that is shipped; read once a process."""
    torch.set_num_threads(1)  # more would fight over the cores with other workers
    return load_segmenter(device="cpu")
