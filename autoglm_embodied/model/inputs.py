"""What the model reads: Observations as tensors with a mask beside every modality, and frames, small and in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.model.config import GraspConfig
from autoglm_embodied.model.encoders import CHANNELS, TOKEN_STRIDE, word_ids
from autoglm_embodied.types import MODALITIES, ArmState, Camera, FloatArray, ForceFeatures, Frame, Observation

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
        no_force, no_joints = ~self.present[:, FORCE, None], ~self.present[:, JOINT, None]
        return replace(
            self,
            pyramid=self.pyramid.masked_fill(no_force[..., None, None], 0.0),
            raw=self.raw.masked_fill(no_force[..., None], 0.0),
            arm=self.arm.masked_fill(no_joints, 0.0),
            gripper=self.gripper.masked_fill(no_joints, 0.0),
            ages_s=self.ages_s.masked_fill(~self.present, 0.0),
        )


def arm_features(arm: ArmState) -> FloatArray:
    """(2 J + 9,): joint positions, joint velocities, tool position, x and z axes of the tool in the base frame."""
    T = arm.T_base_tool
    return np.concatenate([arm.position_rad, arm.velocity_rad_s, T[:3, 3], T[:3, 0], T[:3, 2]]).astype(np.float32)


def felt_features(force: ForceFeatures, arm: ArmState) -> dict[str, FloatArray]:
    """What is felt, as ModelInput has it, of one Observation or training sample: pyramid, raw, arm and gripper."""
    return {
        "pyramid": force.pyramid.astype(np.float32),
        "raw": force.raw.astype(np.float32),
        "arm": arm_features(arm),
        "gripper": np.array([arm.gripper_width_m, arm.gripper_velocity_m_s], np.float32),
    }


def model_input(observations: Sequence[Observation], config: GraspConfig) -> ModelInput:
    """Stack B Observations for a model; ConfigError if the arm has another number of joints than it has."""
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
        *felt_features(force, arm).values(),
        np.array(words, np.int64),
        np.array([sense.age_ns / 1e9 for sense in senses], np.float32),
        np.array([sense.present for sense in senses]),
    )


@lru_cache(maxsize=4)
def _pixel_rays(K_bytes: bytes, R_bytes: bytes, scale: tuple[float, float], height: int, width: int) -> FloatArray:
    """(3, h, w) ray of unit depth through each pixel of a scaled image, in the base frame [m].

    A camera seldom moves: its rays are worked out once. The matrices come as bytes so that they can be a key.
    """
    K, R_base_camera = np.frombuffer(K_bytes).reshape(3, 3), np.frombuffer(R_bytes).reshape(3, 3)
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    x = (u / scale[0] - 0.5 - K[0, 2]) / K[0, 0]
    y = (v / scale[1] - 0.5 - K[1, 2]) / K[1, 1]
    rays_camera = np.stack([x, y, np.ones_like(x)], axis=-1)
    return np.ascontiguousarray((rays_camera @ R_base_camera.T).transpose(2, 0, 1), dtype=np.float32)


def _key(matrix: FloatArray) -> bytes:
    return np.ascontiguousarray(matrix, np.float64).tobytes()


def shrink(frame: Frame, height: int, width: int) -> tuple[NDArray[np.uint8], FloatArray]:
    """A smaller image: colour (h, w, 3) averaged, depth (h, w) [m] by the nearest pixel, so no edge is smeared.

    Averaging over whole blocks and a linear step for the rest takes a tenth of the time of averaging over fractions.
    """
    whole = max(1, min(frame.camera.height // height, frame.camera.width // width))
    blocks = (frame.camera.width // whole, frame.camera.height // whole)
    rgb = cv2.resize(frame.rgb, blocks, interpolation=cv2.INTER_AREA)
    rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_LINEAR)
    rows = (np.arange(height) + 0.5) * frame.camera.height / height
    columns = (np.arange(width) + 0.5) * frame.camera.width / width
    return np.asarray(rgb, np.uint8), frame.depth_m[rows.astype(int)].take(columns.astype(int), axis=1)


def encoder_input(rgb: NDArray[np.uint8], depth_m: FloatArray, camera: Camera) -> FloatArray:
    """What the frame encoder reads of a shrunk frame, (7, h, w) float32: see CHANNELS.

    Args:
        rgb: (h, w, 3).
        depth_m: (h, w) along the optical axis; NaN or 0 where unknown: there, place and known-channel are 0.
        camera: of the frame before it was shrunk.
    """
    height, width = depth_m.shape
    known = np.isfinite(depth_m) & (depth_m > 0)
    depth_m = np.where(known, depth_m, 0).astype(np.float32, copy=False)
    out = np.empty((CHANNELS, height, width), np.float32)
    colour, place = out[:3], out[3:6]
    np.multiply(rgb.transpose(2, 0, 1), np.float32(1 / 127.5), out=colour)
    colour -= 1
    scale = (width / camera.width, height / camera.height)
    rays = _pixel_rays(_key(camera.K), _key(camera.T_base_camera[:3, :3]), scale, height, width)
    np.multiply(rays, depth_m, out=place)
    place += camera.T_base_camera[:3, 3, None, None].astype(np.float32)
    place *= known
    out[6] = known
    return out
