"""Every size of a model, its vocabulary and its clock; stored as config.json inside the checkpoint.

No size is chosen here: `model.build` does that.
"""

from __future__ import annotations

from typing import Any

from transformers import PretrainedConfig

from autoglm_embodied.errors import ConfigError

TOOL_FEATURES = 9  # position, x axis and z axis of the tool


class GraspConfig(PretrainedConfig):
    """Sizes and vocabulary of GraspModel; transformers makes a dataclass of it."""

    model_type = "autoglm_grasp"
    has_no_defaults_at_init = True

    joints: int  # J of the arm, fingers not counted
    width: int  # D of every token
    layers: int  # of the fusion transformer
    heads: int  # of every attention layer
    queries: int  # Q that read from the visual tokens
    image_height: int  # [px] of the encoder's input
    image_width: int  # [px]
    stem: tuple[int, int, int]  # channels of the frame encoder's three convolutions
    words: tuple[str, ...]  # V that the model knows
    max_words: int  # L of an instruction
    force_scales: int  # S of the force pyramid
    raw_samples: int  # R of the newest wrenches
    raw_tokens: int  # that they make
    chunk: int  # H actions
    dt_ns: int  # from one action to the next
    max_speed_m_s: float  # the unit of the twist's linear part
    max_width_m: float  # of the open gripper

    def __post_init__(self, **kwargs: Any) -> None:
        if self.joints < 1:
            raise ConfigError(f"GraspConfig.joints must be 1 or more, got {self.joints}")
        self.stem = (self.stem[0], self.stem[1], self.stem[2])  # JSON has lists
        self.words = tuple(self.words)
        super().__post_init__(**kwargs)

    @property
    def token_width(self) -> int:
        """Numbers in one visual token: features, then where it is (x, y, z in the base frame, known fraction)."""
        return self.width + 4

    @property
    def arm_features(self) -> int:
        """Numbers that describe the arm: joint positions and velocities, then the tool's."""
        return 2 * self.joints + TOOL_FEATURES


class ScorerConfig(PretrainedConfig):
    """Sizes and units of GraspScorer; transformers makes a dataclass of it."""

    model_type = "autoglm_grasp_scorer"
    has_no_defaults_at_init = True

    pixels: int  # P of a crop's edge
    pixel_m: float
    finger_half_m: float  # half of a finger's width
    finger_thick_m: float  # along the closing direction
    height_unit_m: float
    width_unit_m: float  # the widest opening
    grip_unit_n: float
    mass_unit_kg: float
    friction_unit: float
    stem: tuple[int, int, int, int]  # channels of the convolutions
    width: int  # D of the features

    def __post_init__(self, **kwargs: Any) -> None:
        self.stem = (self.stem[0], self.stem[1], self.stem[2], self.stem[3])  # JSON has lists
        if self.pixels < 8 or self.pixels % 8:
            raise ConfigError(f"ScorerConfig.pixels must be a multiple of 8, got {self.pixels}")
        super().__post_init__(**kwargs)


class SegmenterConfig(PretrainedConfig):
    """Sizes, units and vocabulary of ObjectSegmenter; transformers makes a dataclass of it."""

    model_type = "autoglm_object_segmenter"
    has_no_defaults_at_init = True

    channels: tuple[int, int, int, int]  # at a half, a quarter, an eighth and a sixteenth of the resolution
    layers: int  # of attention over the whole image
    heads: int
    vote: int  # E dimensions of a pixel's vote; the first three are a place
    vote_unit_m: float  # within which votes for one object lie
    size_unit_m: tuple[float, float]  # of the edge of a cube as large, and of the length from end to end
    colours: tuple[str, ...]
    nouns: tuple[str, ...]
    region_px: int  # P of the edge of a close-up
    region_m: float  # its edge
    region_channels: tuple[int, int, int, int]  # as `channels`, of the close-up's resolution

    def __post_init__(self, **kwargs: Any) -> None:
        for name in ("channels", "region_channels"):  # JSON has lists
            a, b, c, d = getattr(self, name)
            setattr(self, name, (a, b, c, d))
        self.size_unit_m = (self.size_unit_m[0], self.size_unit_m[1])
        self.colours, self.nouns = tuple(self.colours), tuple(self.nouns)
        super().__post_init__(**kwargs)
