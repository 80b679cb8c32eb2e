"""The fusion transformer as a policy."""

from __future__ import annotations

import numpy as np
import torch

from autoglm_embodied.model.grasp_model import GraspModel, GraspOutput
from autoglm_embodied.model.inputs import model_input
from autoglm_embodied.types import ActionChunk, FloatArray, Observation, Phase, Referent

MAX_ANGULAR_RAD_S = 1.0


class LearnedPolicy:
    """GraspModel in inference mode. It keeps no state of its own."""

    def __init__(self, model: GraspModel) -> None:
        self._model = model.eval()

    @torch.inference_mode()
    def encode(self, image: FloatArray) -> FloatArray:
        """Visual tokens (N, D + 4) of one image (7, h, w): the slow path, once a frame."""
        batch = torch.from_numpy(image).unsqueeze(0).to(self._model.device)
        tokens: FloatArray = self._model.encode(batch)[0].cpu().numpy()
        return tokens

    @torch.inference_mode()
    def act(self, observation: Observation) -> ActionChunk:
        """The fast path, every tick."""
        output = self._model(model_input([observation], self._model.config).to(self._model.device))
        return self._chunk(observation.t_ns, output)

    def reset(self) -> None:
        """Nothing to forget."""

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
