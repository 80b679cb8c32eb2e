"""What the model reads: tensors with a mask beside every modality, made from Observations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.model.config import GraspConfig
from autoglm_embodied.model.encoders import TOKEN_STRIDE, word_ids
from autoglm_embodied.types import MODALITIES, ArmState, FloatArray, ForceFeatures, Observation

VISION, FORCE, JOINT, LANGUAGE = range(len(MODALITIES))


@dataclass(frozen=True)
class ModelInput:
    """A batch. Where `present` is False the values are undefined and are masked in every layer."""

    visual: Tensor  # (B, N, D + 4)
    pyramid: Tensor  # (B, S, 5, 6) [N, N·m]
    raw: Tensor  # (B, R, 6)
    arm: Tensor  # (B, 2 J + 9)
    gripper: Tensor  # (B, 2)
    words: Tensor  # (B, L) int64
    ages_s: Tensor  # (B, M)
    present: Tensor  # (B, M) bool, in the order of MODALITIES

    def to(self, device: torch.device) -> ModelInput:
        """The same batch on `device`."""
        return replace(self, **{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    def masked(self) -> ModelInput:
        """The same batch with 0 for force, arm and ages where the modality is absent: not even a NaN gets through.

        Image and words are masked where they are read, in `GraspModel.ground`.
        """
        no_force, no_joints = ~self.present[:, FORCE], ~self.present[:, JOINT]
        return replace(
            self,
            pyramid=self.pyramid.masked_fill(no_force[:, None, None, None], 0.0),
            raw=self.raw.masked_fill(no_force[:, None, None], 0.0),
            arm=self.arm.masked_fill(no_joints[:, None], 0.0),
            gripper=self.gripper.masked_fill(no_joints[:, None], 0.0),
            ages_s=self.ages_s.masked_fill(~self.present, 0.0),
        )


def arm_features(arm: ArmState) -> FloatArray:
    """(2 J + 9,): joint positions, joint velocities, tool position, x and z axes of the tool in the base frame."""
    T = arm.T_base_tool
    return np.concatenate([arm.position_rad, arm.velocity_rad_s, T[:3, 3], T[:3, 0], T[:3, 2]]).astype(np.float32)


def gripper_features(arm: ArmState) -> FloatArray:
    """(2,): width [m] and its rate [m/s]."""
    return np.array([arm.gripper_width_m, arm.gripper_velocity_m_s], np.float32)


def model_input(observations: Sequence[Observation], config: GraspConfig) -> ModelInput:
    """Stack Observations into one batch.

    Args:
        observations: B of them.
        config: of the model that will read it.

    Raises:
        ConfigError: the arm has another number of joints than the model.
    """
    tokens = (config.image_height // TOKEN_STRIDE) * (config.image_width // TOKEN_STRIDE)
    rows = [_row(observation, config, tokens) for observation in observations]
    return ModelInput(*(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)))


def _row(observation: Observation, config: GraspConfig, tokens: int) -> tuple[np.ndarray, ...]:
    force, arm = observation.force.value, observation.joints.value
    # A placeholder fills the rows of absent modalities only so that the batch has one shape: `present` masks them.
    visual = observation.vision.value
    if visual is None:
        visual = np.full((tokens, config.token_width), 0, np.float32)
    if force is None:
        force = ForceFeatures(np.zeros((config.raw_samples, 6)), np.zeros((config.force_scales, 5, 6)), 0)
    if arm is None:
        arm = ArmState(np.zeros(config.joints), np.zeros(config.joints), np.eye(4), 0.0, 0.0)
    elif len(arm.position_rad) != config.joints:
        raise ConfigError(f"the model knows arms of {config.joints} joints, got {len(arm.position_rad)}")
    words = word_ids(observation.language.value or "", config.words, config.max_words)
    senses = observation.senses()
    return (
        visual.astype(np.float32),
        force.pyramid.astype(np.float32),
        force.raw.astype(np.float32),
        arm_features(arm),
        gripper_features(arm),
        np.array(words, np.int64),
        np.array([sense.age_ns / 1e9 for sense in senses], np.float32),
        np.array([sense.present for sense in senses]),
    )
