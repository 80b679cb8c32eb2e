"""Scenes laid out by hand, and a hand on the joystick."""

from __future__ import annotations

import numpy as np
from autoglm_embodied_sim.robots.panda import ArmRig
from autoglm_embodied_sim.scenes.primitive_scene import Look, Scene, Thing

LOOK = Look(
    table_rgb=(0.6, 0.5, 0.4),
    mat_rgb=(0.7, 0.7, 0.72),
    floor_rgb=(0.4, 0.4, 0.45),
    wall_rgb=(0.7, 0.7, 0.75),
    light=1.0,
    light_direction=(-0.3, 0.0, -1.0),
)


def thing(
    shape: str, x_m: float, y_m: float, size_m: float = 0.04, mass_kg: float = 0.2, yaw_rad: float = 0.0
) -> Thing:
    place = (x_m, y_m, size_m / 2)
    return Thing(shape, "red", size_m, place, yaw_rad, mass_kg, friction=0.7, rgb=(0.8, 0.1, 0.1))


def scene(*things: Thing, seed: int = 0) -> Scene:
    return Scene(things=things, look=LOOK, seed=seed)


def drive(rig: ArmRig, twist: list[float], seconds: float, width_m: float = 0.08) -> None:
    for _ in range(round(seconds * 100)):
        rig.command(np.array(twist), width_m)
        rig.step(10)
