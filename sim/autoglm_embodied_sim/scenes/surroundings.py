"""What differs from scene to scene but is not there to be grasped: light, the look of the table, the camera's place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.scenes.primitive_scene import RGB, Look, shade

CAMERA_SIGMA_M, CAMERA_SIGMA_RAD = 0.005, 0.01
TEXTURE_PX = 128
FINEST_PX = 64
MOST_CONTRAST = 0.35


@dataclass(frozen=True)
class Surroundings:
    """Light, table and camera of one scene; the robot knows the camera's place, up to the hand-eye error."""

    light: float  # brightness, 1 is normal
    light_direction: tuple[float, float, float]
    table_rgb: RGB
    grain: tuple[int, int]  # patches along and across the table's texture: even is marble, uneven is wood
    contrast: float  # of the texture, 0 is a plain table
    texture_seed: int
    camera_offset_m: tuple[float, float, float]  # from its nominal place, base frame
    camera_tilt_rad: tuple[float, float, float]  # rotation vector in the optical frame

    def texture(self) -> NDArray[np.uint8]:
        """(TEXTURE_PX, TEXTURE_PX, 3) the table's surface."""
        rng = np.random.default_rng(self.texture_seed)
        patches = rng.uniform(-1, 1, self.grain).astype(np.float32)
        bright = 1 + self.contrast * cv2.resize(patches, (TEXTURE_PX, TEXTURE_PX), interpolation=cv2.INTER_CUBIC)
        return np.asarray(np.clip(255 * bright[..., None] * np.array(self.table_rgb), 0, 255), np.uint8)

    def over(self, look: Look) -> Look:
        """The look of a room with this light and this table, whose texture carries the colour."""
        white = (1.0, 1.0, 1.0)
        direction, rgb = self.light_direction, self.table_rgb
        return replace(look, table_rgb=rgb, mat_rgb=white, light=self.light, light_direction=direction)

    def camera_pose(self, T_base_camera: FloatArray) -> FloatArray:
        """(4, 4) where the camera stands, given its nominal pose."""
        moved = np.eye(4)
        moved[:3, :3] = cv2.Rodrigues(np.array(self.camera_tilt_rad))[0]
        placed = np.asarray(T_base_camera @ moved)
        placed[:3, 3] += self.camera_offset_m
        return placed


PLAIN = Surroundings(1.0, (0.2, 0.1, -1.0), (0.6, 0.55, 0.5), (2, 2), 0.0, 0, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
"""Nothing out of the ordinary."""


def sample_surroundings(rng: np.random.Generator) -> Surroundings:
    """Draw the surroundings of a scene."""
    x, y, z = rng.standard_normal(3) * CAMERA_SIGMA_M
    turn_x, turn_y, turn_z = rng.standard_normal(3) * CAMERA_SIGMA_RAD
    return Surroundings(
        light=float(rng.uniform(0.7, 1.2)),
        light_direction=(float(rng.uniform(-0.5, 0.5)), float(rng.uniform(-0.5, 0.5)), -1.0),
        table_rgb=shade(float(rng.uniform(0, 360)), float(rng.uniform(0.0, 0.3)), float(rng.uniform(0.3, 0.8))),
        grain=(int(rng.integers(2, FINEST_PX)), int(rng.integers(2, FINEST_PX))),
        contrast=float(rng.uniform(0, MOST_CONTRAST)),
        texture_seed=int(rng.integers(2**31)),
        camera_offset_m=(float(x), float(y), float(z)),
        camera_tilt_rad=(float(turn_x), float(turn_y), float(turn_z)),
    )


def add_table_material(spec: Any, surroundings: Surroundings) -> str:
    """Add the table's texture to a model's specification; returns the name of the material that carries it."""
    texture = spec.add_texture(
        name="table", type=mujoco.mjtTexture.mjTEXTURE_2D, width=TEXTURE_PX, height=TEXTURE_PX, nchannel=3
    )
    texture.data = surroundings.texture().tobytes()
    material = spec.add_material(name="table")
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = texture.name
    return str(material.name)
