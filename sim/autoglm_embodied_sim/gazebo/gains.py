"""The servos of the joints, which Gazebo's controllers imitate: a spring to the set-point, and damping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mujoco

from autoglm_embodied.kinematics import Robot
from autoglm_embodied_sim.rig import FINGER_SPEED_M_S
from autoglm_embodied_sim.servo import JOINT_SPEED_RAD_S


@dataclass(frozen=True)
class Gains:
    """Of one joint: a torque [N·m] of `stiffness` x (set-point - angle [rad]) - `damping` x speed; or N and m.

    `most_effort` bounds the spring alone, for that is what Gazebo bounds: what the damping takes at the highest speed
    is in it.
    """

    stiffness: float
    damping: float
    most_effort: float


def all_gains(model: Any, robot: Robot) -> list[Gains]:
    """Those of arm and fingers, in the order of the robot's joint names."""
    return [joint_gains(model, joint) for joint in range(robot.joints + len(robot.finger_joint_names))]


def joint_gains(model: Any, joint: int) -> Gains:
    """What the model's actuator does at a joint; the finger tendon acts on each finger with its coefficient."""
    name = model.joint(joint).name
    for actuator in range(model.nu):
        target = model.actuator_trnid[actuator, 0]
        if model.actuator_trntype[actuator] == mujoco.mjtTrn.mjTRN_JOINT and target == joint:
            return _gains(model, actuator, joint, 1.0)
        if model.actuator_trntype[actuator] == mujoco.mjtTrn.mjTRN_TENDON and name.startswith("finger"):
            return _gains(model, actuator, joint, float(model.wrap_prm[model.tendon_adr[target]]))
    raise ValueError(f"joint {name} has no actuator")


def _gains(model: Any, actuator: int, joint: int, coefficient: float) -> Gains:
    slides = model.jnt_type[joint] == mujoco.mjtJoint.mjJNT_SLIDE
    damping = float(model.dof_damping[model.jnt_dofadr[joint]] - coefficient * model.actuator_biasprm[actuator, 2])
    return Gains(
        stiffness=coefficient * float(model.actuator_gainprm[actuator, 0]),
        damping=damping,
        most_effort=coefficient * float(model.actuator_forcerange[actuator, 1])
        + damping * (FINGER_SPEED_M_S if slides else JOINT_SPEED_RAD_S),
    )
