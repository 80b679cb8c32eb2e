"""What differs from scene to scene but is not there to be grasped: light, table, room, the camera's place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.scenes.scene_object import RGB, shade

CAMERA_SIGMA_M, CAMERA_SIGMA_RAD = 0.005, 0.01
TEXTURE_PX = 128
FINEST_PX = 64
MOST_CONTRAST = 0.35


@dataclass(frozen=True)
class Surroundings:
    """Light, room and camera of one scene; the robot knows the camera's place, up to the hand-eye error."""

    light: float = 1.0  # brightness, 1 is normal
    light_direction: tuple[float, float, float] = (0.2, 0.1, -1.0)
    table_rgb: RGB = (0.6, 0.55, 0.5)
    mat_rgb: RGB = (0.6, 0.55, 0.5)  # what the objects lie on
    floor_rgb: RGB = (0.4, 0.42, 0.45)
    wall_rgb: RGB = (0.7, 0.72, 0.75)
    grain: tuple[int, int] = (2, 2)  # patches along and across the mat's texture: even is marble, uneven is wood
    contrast: float = 0.0  # of the texture, 0 is a plain mat
    texture_seed: int = 0
    camera_offset_m: tuple[float, float, float] = (0.0, 0.0, 0.0)  # from its nominal place, base frame
    camera_tilt_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)  # rotation vector in the optical frame

    def texture(self) -> NDArray[np.uint8]:
        """(TEXTURE_PX, TEXTURE_PX, 3) the mat's surface."""
        rng = np.random.default_rng(self.texture_seed)
        patches = rng.uniform(-1, 1, self.grain).astype(np.float32)
        bright = 1 + self.contrast * cv2.resize(patches, (TEXTURE_PX, TEXTURE_PX), interpolation=cv2.INTER_CUBIC)
        return np.asarray(np.clip(255 * bright[..., None] * np.array(self.mat_rgb), 0, 255), np.uint8)

    def camera_pose(self, T_base_camera: FloatArray) -> FloatArray:
        """(4, 4) where the camera stands, given its nominal pose."""
        moved = np.eye(4)
        moved[:3, :3] = cv2.Rodrigues(np.array(self.camera_tilt_rad))[0]
        placed = np.asarray(T_base_camera @ moved)
        placed[:3, 3] += self.camera_offset_m
        return placed


PLAIN = Surroundings()
"""Nothing out of the ordinary."""


def sample_room(rng: np.random.Generator) -> Surroundings:
    """Draw light and shades of a room without texture, the camera in its nominal place."""
    return Surroundings(
        table_rgb=shade(rng.uniform(20, 40), rng.uniform(0.15, 0.35), rng.uniform(0.5, 0.7)),
        mat_rgb=shade(rng.uniform(180, 240), rng.uniform(0.02, 0.12), rng.uniform(0.55, 0.85)),
        floor_rgb=shade(rng.uniform(200, 230), rng.uniform(0.05, 0.15), rng.uniform(0.35, 0.5)),
        wall_rgb=shade(rng.uniform(190, 230), rng.uniform(0.03, 0.12), rng.uniform(0.6, 0.85)),
        light=rng.uniform(0.8, 1.1),
        light_direction=(rng.uniform(-0.6, -0.1), rng.uniform(-0.4, 0.4), -1.0),
    )


def sample_surroundings(rng: np.random.Generator, room: Surroundings) -> Surroundings:
    """Draw light, the table's colour and texture, and the camera's place; floor and wall are those of a room."""
    x, y, z = rng.standard_normal(3) * CAMERA_SIGMA_M
    turn_x, turn_y, turn_z = rng.standard_normal(3) * CAMERA_SIGMA_RAD
    drawn = replace(
        room,
        light=float(rng.uniform(0.7, 1.2)),
        light_direction=(float(rng.uniform(-0.5, 0.5)), float(rng.uniform(-0.5, 0.5)), -1.0),
        table_rgb=shade(float(rng.uniform(0, 360)), float(rng.uniform(0.0, 0.3)), float(rng.uniform(0.3, 0.8))),
        grain=(int(rng.integers(2, FINEST_PX)), int(rng.integers(2, FINEST_PX))),
        contrast=float(rng.uniform(0, MOST_CONTRAST)),
        texture_seed=int(rng.integers(2**31)),
        camera_offset_m=(float(x), float(y), float(z)),
        camera_tilt_rad=(float(turn_x), float(turn_y), float(turn_z)),
    )
    return replace(drawn, mat_rgb=drawn.table_rgb)


def colour_mat(spec: Any, mat: Any, surroundings: Surroundings) -> None:
    """Give a geom of a model's specification the mat's colour, in a texture unless it is plain."""
    if surroundings.contrast == 0.0:
        mat.rgba = [*surroundings.mat_rgb, 1]
        return
    texture = spec.add_texture(
        name="mat", type=mujoco.mjtTexture.mjTEXTURE_2D, width=TEXTURE_PX, height=TEXTURE_PX, nchannel=3
    )
    texture.data = surroundings.texture().tobytes()
    material = spec.add_material(name="mat")
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = texture.name
    mat.material, mat.rgba = material.name, [1, 1, 1, 1]
