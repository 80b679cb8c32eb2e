"""The fusion transformer as a policy, temporal ensembling, and the pipeline of a checkpoint."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.errors import CheckpointError, InstructionError
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.model.checkpoint import load
from autoglm_embodied.model.encoders import CHANNELS
from autoglm_embodied.model.grasp_model import GraspModel, GraspOutput
from autoglm_embodied.model.inputs import encoder_input, model_input, shrink
from autoglm_embodied.policy.pipeline import Pipeline
from autoglm_embodied.policy.policy import Policy
from autoglm_embodied.types import ActionChunk, FloatArray, Frame, Observation, Phase, Referent
from autoglm_embodied.vocabulary import COLOURS, SHAPES, unknown_words

MAX_ANGULAR_RAD_S = 1.0


class LearnedPolicy:
    """GraspModel in inference mode. It keeps no state of its own."""

    def __init__(self, model: GraspModel) -> None:
        self._model = model.eval()
        config = model.config
        self._image_size = config.image_height, config.image_width

    def encode(self, frame: Frame) -> FloatArray:
        """(N, D + 4) visual tokens; see Policy."""
        return self._tokens(encoder_input(*shrink(frame, *self._image_size), frame.camera))

    def warm_up(self) -> None:
        """Encode an empty image: the first pass through a network may take a second, which no frame should wait."""
        self._tokens(np.zeros((CHANNELS, *self._image_size), np.float32))

    @torch.inference_mode()
    def act(self, observation: Observation) -> ActionChunk:
        """See Policy."""
        output = self._model(model_input([observation], self._model.config).to(self._model.device))
        return self._chunk(observation.t_ns, output)

    def reset(self, instruction: str) -> None:
        """Refuse words that name nothing the model knows; see Policy."""
        unknown = unknown_words(instruction)
        if unknown:
            known = f"colours {', '.join(COLOURS)} and shapes {', '.join(SHAPES)}"
            raise InstructionError(f"I do not know {' '.join(unknown)!r} in {instruction!r}; use {known}.")

    @torch.inference_mode()
    def _tokens(self, image: FloatArray) -> FloatArray:
        batch = torch.from_numpy(image).unsqueeze(0).to(self._model.device)  # (1, 7, h, w)
        tokens: FloatArray = self._model.encode(batch)[0].cpu().numpy()
        return tokens

    def _chunk(self, t_ns: int, output: GraspOutput) -> ActionChunk:
        config, action = self._model.config, output.action
        twist = action.twist[0].cpu().numpy().astype(np.float64)
        linear = np.clip(twist[:, :3], -1, 1) * config.max_speed_m_s
        angular = np.clip(twist[:, 3:], -MAX_ANGULAR_RAD_S, MAX_ANGULAR_RAD_S)
        opened = action.open_logits[0].cpu().numpy() > 0
        return ActionChunk(
            t_ns=t_ns,
            dt_ns=config.dt_ns,
            twist=np.concatenate([linear, angular], axis=1),
            gripper_width_m=np.where(opened, config.max_width_m, 0.0),
            phase=Phase(int(action.phase_logits[0].argmax())),
            referent=Referent(int(output.grounded.referent_logits[0].argmax())),
            target_m=output.grounded.target_m[0].cpu().numpy().astype(np.float64),
            gate=output.gate[0].cpu().numpy(),
            latent=output.latent[0].cpu().numpy(),
        )


class TemporalEnsemble:
    """A policy whose first twist is averaged over what its last chunks planned for the instant; else the newest chunk.

    Zhao et al. 2023 (ACT), section IV-B, with the newest chunk weighted most.
    """

    def __init__(self, policy: Policy, chunks: int = 4, decay: float = 0.6) -> None:
        """Smooth another policy.

        Args:
            policy: the one that decides.
            chunks: how many of its last chunks are averaged.
            decay: weight of a chunk over that of the next newer one, 0 to 1.
        """
        self._policy = policy
        self._decay = decay
        self._recent: deque[ActionChunk] = deque(maxlen=chunks)

    def encode(self, frame: Frame) -> FloatArray:
        """See Policy."""
        return self._policy.encode(frame)

    def act(self, observation: Observation) -> ActionChunk | None:
        """The inner policy's chunk with its first twist averaged; None, and a new start, where it has none."""
        newest = self._policy.act(observation)
        if newest is None:
            self._recent.clear()
            return None
        self._recent.appendleft(newest)
        planned = [(self._decay**age, _at(chunk, newest.t_ns)) for age, chunk in enumerate(self._recent)]
        weighted = [(weight, twist) for weight, twist in planned if twist is not None]
        total = sum(weight for weight, _ in weighted)
        twist = newest.twist.copy()
        twist[0] = np.sum([weight / total * value for weight, value in weighted], axis=0)
        return replace(newest, twist=twist)

    def reset(self, instruction: str) -> None:
        """Forget earlier chunks; see Policy."""
        self._recent.clear()
        self._policy.reset(instruction)


def _at(chunk: ActionChunk, t_ns: int) -> FloatArray | None:
    """The twist (6,) that `chunk` planned for `t_ns`, or None where it does not reach so far."""
    step = round((t_ns - chunk.t_ns) / chunk.dt_ns)
    return chunk.twist[step] if 0 <= step < len(chunk.twist) else None


def load_policy(directory: Path, align: AlignSettings, joints: int, device: str = "auto") -> TemporalEnsemble:
    """The policy of a checkpoint, warmed up, with temporal ensembling; see `load_pipeline` and `load`."""
    model = load(directory, device, joints)
    takes = model.config.raw_samples, model.config.force_scales
    given = align.raw_samples, len(align.pyramid_windows_ns)
    if takes != given:
        raise CheckpointError(
            f"the checkpoint in {directory} takes {takes[0]} raw wrenches and a force pyramid of {takes[1]} scales, "
            f"but align.raw_samples and align.pyramid_windows_ns give {given[0]} and {given[1]}; change these or train"
        )
    policy = LearnedPolicy(model)
    policy.warm_up()
    return TemporalEnsemble(policy)


def load_pipeline(directory: Path, robot: Robot, align: AlignSettings, device: str = "auto") -> Pipeline:
    """The pipeline of a checkpoint, with temporal ensembling.

    Args:
        directory: holds config.json and model.safetensors.
        robot: whose kinematics tell where the tool is.
        align: settings of the aligner.
        device: a torch device, or "auto": CUDA when there is one.

    Raises:
        CheckpointError: the directory holds no checkpoint that fits.
    """
    aligner = Aligner(align, lambda position: forward_kinematics(robot, position))
    return Pipeline(aligner, load_policy(directory, align, robot.joints, device))
