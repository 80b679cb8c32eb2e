"""The servos of the joints, which Gazebo's controllers imitate: a spring to the set-point, and damping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mujoco


@dataclass(frozen=True)
class Gains:
    """Of one joint: a torque [N·m] of `stiffness` x (set-point - angle [rad]) - `damping` x speed; or N and m."""

    stiffness: float
    damping: float
    most_effort: float


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
    passive = float(model.dof_damping[model.jnt_dofadr[joint]])
    return Gains(
        stiffness=coefficient * float(model.actuator_gainprm[actuator, 0]),
        damping=-coefficient * float(model.actuator_biasprm[actuator, 2]) + passive,
        most_effort=float(model.actuator_forcerange[actuator, 1]),
    )
