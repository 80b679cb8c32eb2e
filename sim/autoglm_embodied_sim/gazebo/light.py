"""The light of the MuJoCo model in SDF, without shadows."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.gazebo.element import Element, element

SUN, CAMERA = "sun", "camera"


def scene_light(model: Any) -> Element:
    """The light that comes from everywhere."""
    ambient = model.light_ambient[model.light(SUN).id] + np.asarray(model.vis.headlight.ambient)
    return element("scene", element("ambient", [*ambient, 1]), element("shadows", False))


def lights(model: Any) -> list[Element]:
    """The sun, and what shines from the camera."""
    sun = model.light(SUN).id
    rotation = np.zeros(9)
    mujoco.mju_quat2Mat(rotation, model.cam_quat[model.camera(CAMERA).id])
    return [
        _light(SUN, model.light_dir[sun], model.light_diffuse[sun]),
        _light("headlight", -rotation.reshape(3, 3)[:, 2], np.asarray(model.vis.headlight.diffuse)),
    ]


def _light(name: str, direction: FloatArray, rgb: FloatArray) -> Element:
    return element(
        "light",
        element("cast_shadows", False),
        element("diffuse", [*rgb, 1]),
        element("specular", [0, 0, 0, 1]),
        element("direction", direction),
        type="directional",
        name=name,
    )
