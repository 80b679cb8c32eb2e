"""The one place where sizes are chosen and the parts of a model are put together."""

from __future__ import annotations

from typing import Any

from autoglm_embodied.data.schemas import CROP_PIXEL_M, CROP_PIXELS
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.model.config import GraspConfig, ScorerConfig, SegmenterConfig
from autoglm_embodied.model.encoders import ArmEncoder, Encoders, ForceEncoder, FrameEncoder, WordEncoder
from autoglm_embodied.model.grasp_model import GraspModel
from autoglm_embodied.model.grasp_scorer import GraspScorer
from autoglm_embodied.model.object_segmenter import ObjectSegmenter
from autoglm_embodied.vocabulary import COLOURS, NOUNS, SHAPES

ROBOT: dict[str, Any] = {  # what follows from robot, sensors and words, unless it is told: a Panda among primitives
    "joints": 7,
    "image_height": 216,
    "image_width": 288,
    "words": (*COLOURS, *SHAPES),
    "max_words": 8,
    "force_scales": 4,
    "raw_samples": 64,
    "raw_tokens": 16,
    "chunk": 8,
    "dt_ns": 33_333_333,
    "max_speed_m_s": 0.25,
    "max_width_m": 0.08,
}

SIZES: dict[str, dict[str, Any]] = {
    "nano": {"width": 128, "layers": 4, "heads": 4, "queries": 8, "stem": (32, 64, 96)},  # 1.7 M: a laptop's CPU
    "base": {"width": 384, "layers": 8, "heads": 8, "queries": 16, "stem": (64, 128, 256)},  # 21 M: a GPU
}


def grasp_config(size: str = "nano", **changes: Any) -> GraspConfig:
    """The configuration of one of SIZES (ConfigError), with what is otherwise on this robot, such as `joints=6`."""
    if size not in SIZES:
        raise ConfigError(f"there is no model of size {size!r}; choose from {', '.join(SIZES)}")
    return GraspConfig(**{**ROBOT, **SIZES[size], **changes})


def build_encoders(config: GraspConfig) -> Encoders:
    """Encoders with fresh weights."""
    return Encoders(
        frames=FrameEncoder(config.stem, config.width),
        words=WordEncoder(len(config.words), config.max_words, config.width, config.heads),
        force=ForceEncoder(config.force_scales, config.raw_samples, config.raw_tokens, config.width),
        arm=ArmEncoder(config.arm_features, config.width),
    )


def build_model(config: GraspConfig) -> GraspModel:
    """A model with fresh weights."""
    return GraspModel(config, build_encoders(config))


SCORER: dict[str, Any] = {  # a Panda hand; 0.4 M parameters
    "pixels": CROP_PIXELS,
    "pixel_m": CROP_PIXEL_M,
    "finger_half_m": 0.0105,
    "finger_thick_m": 0.016,
    "height_unit_m": 0.05,
    "width_unit_m": 0.08,
    "grip_unit_n": 20.0,
    "mass_unit_kg": 0.35,
    "friction_unit": 0.4,
    "stem": (24, 48, 64, 64),
    "width": 128,
}


def build_scorer(**changes: Any) -> GraspScorer:
    """A scorer of grasps with fresh weights."""
    return GraspScorer(ScorerConfig(**{**SCORER, **changes}))


SEGMENTER: dict[str, Any] = {
    "channels": (32, 64, 128, 192),
    "layers": 2,
    "heads": 4,
    "vote": 5,
    "vote_unit_m": 0.02,
    "size_unit_m": (0.04, 0.06),
    "colours": COLOURS,
    "nouns": NOUNS,
    "region_px": 64,
    "region_m": 0.13,
    "region_channels": (24, 48, 96, 128),
}


def build_segmenter(**changes: Any) -> ObjectSegmenter:
    """A segmenter of objects with fresh weights."""
    return ObjectSegmenter(SegmenterConfig(**{**SEGMENTER, **changes}))
