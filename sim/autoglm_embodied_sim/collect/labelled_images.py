"""Images of scenes in which the simulator says what each pixel shows, and what people call it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autoglm_embodied.data.schemas import IMAGE_PIXELS
from autoglm_embodied.data.shards import Arrays, Shard, joined
from autoglm_embodied.grasping.hand import NOTHING, View
from autoglm_embodied.types import Camera, FloatArray
from autoglm_embodied.vocabulary import COLOURS, NOUNS
from autoglm_embodied_sim.collect.suite_settings import SuiteSettings
from autoglm_embodied_sim.language.description import Referent, referents
from autoglm_embodied_sim.robots.hand_rig import SuiteRig
from autoglm_embodied_sim.robots.layout import lay_out, put_away, rig_named, settle
from autoglm_embodied_sim.scenes.suite import SUITES, suite_named

PER_SCENE = 4  # images: of all objects, and of some of them
SCENES_PER_SHARD = 16
MOST_OBJECTS = max(suite.objects for suite in SUITES.values())
LEAST_PX = 25  # of an object that counts as seen
SHIFT_PX = 30  # of what is cut out, either way
NEVER = -1


@dataclass(frozen=True)
class LabelledImageSettings(SuiteSettings):
    """Which images to take."""

    rig: str = "gantry"

    def __post_init__(self) -> None:
        super().__post_init__()
        rig_named(self.rig)


def labelled_images(settings: LabelledImageSettings, number: int) -> Shard:
    """PER_SCENE images of a scene, with ever fewer objects.

    Args:
        settings: suite, objects and rig.
        number: of the scene; all that is random follows from it and the seed.
    """
    suite, scene = suite_named(settings.suite), settings.scene(number)
    rng = np.random.default_rng([scene.seed, 5])
    rig = lay_out(suite, scene, rig_named(settings.rig))
    left = list(rng.permutation(suite.objects))
    images: list[Arrays] = []
    try:
        while left and len(images) < PER_SCENE:
            image = _labelled(rig.look(), referents(scene.objects, rig.truth.position_m(rig.data)), rig, rng)
            images += [] if image is None else [image | {"seed": np.array([scene.seed])}]
            for obj in left[: int(rng.integers(1, 3))]:
                put_away(rig, int(obj))
                left.remove(obj)
            settle(rig, most_s=0.6)
    finally:
        rig.close()
    return Shard(joined(images), ({"seed": scene.seed, "images": len(images)},))


def _labelled(view: View, objects: tuple[Referent, ...], rig: SuiteRig, rng: np.random.Generator) -> Arrays | None:
    """One image and its labels; None if it shows no object."""
    cut = _cut_out(view, rng)
    if cut is None:
        return None
    camera, centre_m = cut.frame.camera, rig.truth.position_m(rig.data)
    colour = np.full(MOST_OBJECTS, NEVER)
    noun, size_m = np.zeros((MOST_OBJECTS, len(NOUNS)), np.int8), np.zeros((MOST_OBJECTS, 2), np.float32)
    place_m = np.zeros((MOST_OBJECTS, 3), np.float32)
    owner = cut.owner.copy()
    for index, obj in enumerate(objects):
        if (owner == index).sum() < LEAST_PX:
            owner[owner == index] = NOTHING
            continue
        colour[index] = COLOURS.index(obj.colour)
        noun[index] = [1 if name in obj.nouns.sure else -int(name in obj.nouns.doubtful) for name in NOUNS]
        size_m[index], place_m[index] = (obj.size_m, obj.span_m), centre_m[index]
    depth_mm = np.rint(1000 * np.clip(cut.frame.depth_m, 0, 60)).astype(np.uint16)
    labels: Arrays = {"colour": colour, "noun": noun, "size_m": size_m, "centre_m": place_m}
    image: Arrays = {"rgb": cut.frame.rgb, "depth_mm": depth_mm, "owner": owner.astype(np.int8)}
    pose: Arrays = {"camera": camera.K[[0, 1, 0, 1], [0, 1, 2, 2]], "T_base_camera": camera.T_base_camera}
    return {name: values[None] for name, values in (image | pose | labels).items()}


def _cut_out(view: View, rng: np.random.Generator) -> View | None:
    """The part of an image around its objects, shifted at random; None if there is none."""
    rows, columns = np.nonzero(view.owner != NOTHING)
    if not len(rows):
        return None
    camera, size = view.frame.camera, IMAGE_PIXELS
    middle = np.array([rows.mean(), columns.mean()]) + rng.uniform(-SHIFT_PX, SHIFT_PX, 2)
    row, column = np.clip(np.rint(middle - size / 2).astype(int), 0, [camera.height - size, camera.width - size])
    part = np.s_[row : row + size, column : column + size]
    shifted: FloatArray = camera.K - np.array([[0, 0, column], [0, 0, row], [0, 0, 0]])
    cut = Camera(size, size, shifted, camera.T_base_camera)
    frame = replace(view.frame, rgb=view.frame.rgb[part], depth_m=view.frame.depth_m[part], camera=cut)
    return View(frame, view.owner[part])
