"""Every size of a model, its vocabulary and its clock; stored as config.json inside the checkpoint.

No size is chosen here: `model.build` does that.
"""

from __future__ import annotations

from typing import Any

from transformers import PretrainedConfig

from autoglm_embodied.errors import ConfigError

TOOL_FEATURES = 9  # position, x axis and z axis of the tool


class GraspConfig(PretrainedConfig):
    """Sizes and vocabulary of GraspModel.

    Args:
        joints: J of the arm, fingers not counted.
        width: D of every token.
        layers: of the fusion transformer.
        heads: of every attention layer.
        queries: Q that read from the visual tokens.
        image_height: [px] of the encoder's input.
        image_width: [px].
        stem: channels of the frame encoder's three convolutions.
        words: V that the model knows.
        max_words: L of an instruction.
        force_scales: S of the force pyramid.
        raw_samples: R of the newest wrenches.
        raw_tokens: that they make.
        chunk: H actions.
        dt_ns: from one action to the next.
        max_speed_m_s: the unit of the twist's linear part.
        max_width_m: of the open gripper.
        kwargs: what transformers adds.
    """

    model_type = "autoglm_grasp"
    has_no_defaults_at_init = True

    def __init__(
        self,
        *,
        joints: int,
        width: int,
        layers: int,
        heads: int,
        queries: int,
        image_height: int,
        image_width: int,
        stem: tuple[int, int, int],
        words: tuple[str, ...],
        max_words: int,
        force_scales: int,
        raw_samples: int,
        raw_tokens: int,
        chunk: int,
        dt_ns: int,
        max_speed_m_s: float,
        max_width_m: float,
        **kwargs: Any,
    ) -> None:
        if joints < 1:
            raise ConfigError(f"GraspConfig.joints must be 1 or more, got {joints}")
        self.joints = joints
        self.width = width
        self.layers = layers
        self.heads = heads
        self.queries = queries
        self.image_height = image_height
        self.image_width = image_width
        self.stem = (stem[0], stem[1], stem[2])
        self.words = tuple(words)
        self.max_words = max_words
        self.force_scales = force_scales
        self.raw_samples = raw_samples
        self.raw_tokens = raw_tokens
        self.chunk = chunk
        self.dt_ns = dt_ns
        self.max_speed_m_s = max_speed_m_s
        self.max_width_m = max_width_m
        super().__init__(**kwargs)

    @property
    def token_width(self) -> int:
        """Numbers in one visual token: features, then where it is (x, y, z in the base frame, known fraction)."""
        return self.width + 4

    @property
    def arm_features(self) -> int:
        """Numbers that describe the arm: joint positions and velocities, then the tool's."""
        return 2 * self.joints + TOOL_FEATURES
