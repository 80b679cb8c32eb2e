"""The MuJoCo model of the gantry: a Panda hand on four axes, a table, items, and the camera above."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mujoco
import numpy as np

from autoglm_embodied_sim.gantry.item import Item
from autoglm_embodied_sim.surroundings import TEXTURE_PX, Surroundings
from autoglm_embodied_sim.world import CONTACT, DRAWN_GROUP, HIDDEN_GROUP, panda_file

TIMESTEP_S = 0.002
"""Two milliseconds grip as well as one does, 1.7 times as fast."""
AXES = ("x", "y", "z", "yaw")
AXIS_LIMITS = ((-0.6, 0.6), (-0.6, 0.6), (0.0, 0.8), (-3.3, 3.3))
AXIS_STIFFNESS = (2e4, 2e4, 2e4, 400.0)  # N/m, N·m/rad
AXIS_DAMPING = (350.0, 350.0, 350.0, 6.0)
AXIS_FORCE = (80.0, 80.0, 80.0, 12.0)  # N, N·m
TIP_BELOW_HAND_M = 0.112
CAMERA_FOVY_DEG = 42.0
T_BASE_CAMERA = np.array([[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 0.8], [0, 0, 0, 1]])
"""Where the camera nominally stands: above the middle of the table, looking down."""
WALL_HALF_M, WALL_HEIGHT_M = 0.07, 0.2
TORSIONAL_M, ROLLING_M = 0.005, 0.0001
FINGER_STIFFNESS, FINGER_DAMPING = 4000.0, 80.0


def build_gantry(items: Sequence[Item], surroundings: Surroundings) -> Any:
    """Compile the gantry with `items` as bodies `item0` and so on; the result is an MjModel."""
    spec = mujoco.MjSpec.from_file(str(panda_file().with_name("hand.xml")))
    _set_physics(spec)
    _hang_hand(spec)
    _replace_gripper(spec)
    _add_table(spec, surroundings)
    _add_camera(spec, surroundings)
    for index, item in enumerate(items):
        _add_item(spec, f"item{index}", item)
    return spec.compile()


def _set_physics(spec: Any) -> None:
    option = spec.option
    option.timestep = TIMESTEP_S
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.impratio = 10
    visual = getattr(spec.visual, "global")
    visual.offwidth, visual.offheight = 640, 480
    spec.visual.quality.offsamples = spec.visual.quality.shadowsize = 0
    spec.visual.map.znear, spec.visual.map.zfar = 0.1, 2.0
    spec.stat.extent, spec.stat.center = 1.0, [0, 0, 0.2]


def _hang_hand(spec: Any) -> None:
    """Four axes; the hand points down, and at yaw 0 its fingers close along the y axis."""
    hand = spec.body("hand")
    hand.quat = [0, 1, 0, 0]
    for geom in list(spec.geoms):
        if geom.classname.name == "visual":
            spec.delete(geom)
        else:
            geom.group = DRAWN_GROUP
    slide, hinge = mujoco.mjtJoint.mjJNT_SLIDE, mujoco.mjtJoint.mjJNT_HINGE
    ways = ((slide, [1, 0, 0]), (slide, [0, -1, 0]), (slide, [0, 0, -1]), (hinge, [0, 0, -1]))  # in the hand's frame
    for name, (kind, axis), stiffness, damping, force, limits in zip(
        AXES, ways, AXIS_STIFFNESS, AXIS_DAMPING, AXIS_FORCE, AXIS_LIMITS, strict=True
    ):
        hand.add_joint(name=name, type=kind, axis=axis, armature=0, damping=0, range=limits)
        servo = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        servo.set_to_position(kp=stiffness, kv=damping)
        servo.forcelimited, servo.forcerange = True, [-force, force]
    for body in (hand, spec.body("left_finger"), spec.body("right_finger")):
        body.gravcomp = 1.0
    hand.add_site(name="ft", group=HIDDEN_GROUP)
    for name, sensor in (("force", mujoco.mjtSensor.mjSENS_FORCE), ("torque", mujoco.mjtSensor.mjSENS_TORQUE)):
        spec.add_sensor(name=name, type=sensor, objtype=mujoco.mjtObj.mjOBJ_SITE, objname="ft")


def _replace_gripper(spec: Any) -> None:
    """One position servo on both fingers; the stock one grips with 1 N."""
    spec.delete(spec.actuator("actuator8"))
    gripper = spec.add_actuator(name="gripper", target="split", trntype=mujoco.mjtTrn.mjTRN_TENDON)
    gripper.set_to_position(kp=FINGER_STIFFNESS, kv=FINGER_DAMPING)
    gripper.forcelimited, gripper.forcerange = True, [-1, 1]  # the rig sets it


def _add_table(spec: Any, surroundings: Surroundings) -> None:
    world, plane = spec.worldbody, mujoco.mjtGeom.mjGEOM_PLANE
    texture = spec.add_texture(
        name="table", type=mujoco.mjtTexture.mjTEXTURE_2D, width=TEXTURE_PX, height=TEXTURE_PX, nchannel=3
    )
    texture.data = surroundings.texture().tobytes()
    material = spec.add_material(name="table")
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = "table"
    world.add_geom(name="table", type=plane, size=[0.6, 0.6, 1], group=DRAWN_GROUP, material="table")
    for index, (x, y) in enumerate(((1, 0), (-1, 0), (0, 1), (0, -1))):
        half = [0.01, WALL_HALF_M + 0.02, WALL_HEIGHT_M] if x else [WALL_HALF_M + 0.02, 0.01, WALL_HEIGHT_M]
        place = [x * (WALL_HALF_M + 0.01), y * (WALL_HALF_M + 0.01), WALL_HEIGHT_M]
        box = mujoco.mjtGeom.mjGEOM_BOX
        world.add_geom(
            name=f"wall{index}", type=box, size=half, pos=place, group=HIDDEN_GROUP, contype=0, conaffinity=0
        )
    world.add_light(
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        pos=[0, 0, 2],
        dir=list(surroundings.light_direction),
        diffuse=[0.55 * surroundings.light] * 3,
        ambient=[0.25 * surroundings.light] * 3,
        castshadow=False,
    )
    spec.visual.headlight.diffuse = [0.2 * surroundings.light] * 3
    spec.visual.headlight.ambient = [0.15 * surroundings.light] * 3


def _add_camera(spec: Any, surroundings: Surroundings) -> None:
    T_base_camera = surroundings.camera_pose(T_BASE_CAMERA)
    optical_to_mujoco = np.diag([1.0, -1.0, -1.0])  # MuJoCo looks along -z with y up
    quat = np.zeros(4)
    mujoco.mju_mat2Quat(quat, (T_base_camera[:3, :3] @ optical_to_mujoco).ravel())
    spec.worldbody.add_camera(name="overhead", pos=T_base_camera[:3, 3], quat=quat, fovy=CAMERA_FOVY_DEG)


def _add_item(spec: Any, name: str, item: Item) -> None:
    body = spec.worldbody.add_body(name=name)
    body.add_freejoint(name=name)
    inertia = item.shape.inertia(item.mass_kg)
    body.mass, body.ipos, body.explicitinertial = item.mass_kg, np.zeros(3), True
    body.fullinertia = [*np.diag(inertia), inertia[0, 1], inertia[0, 2], inertia[1, 2]]
    for index, piece in enumerate(item.shape.pieces):
        mesh = f"{name}_{index}"
        spec.add_mesh(name=mesh, uservert=piece.ravel().tolist(), inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX)
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=mesh,
            friction=[item.friction, TORSIONAL_M, ROLLING_M],
            priority=1,  # else the larger friction of two would count
            group=DRAWN_GROUP,
            rgba=[*item.rgb, 1],
            **CONTACT,
        )
