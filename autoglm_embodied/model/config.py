"""Every size of the model, its vocabulary and its clock; stored as config.json inside the checkpoint."""

from __future__ import annotations

from typing import Any

from transformers import PretrainedConfig

from autoglm_embodied.vocabulary import COLOURS, SHAPES


class GraspConfig(PretrainedConfig):
    """Sizes and vocabulary of GraspModel; the defaults are those of the shipped checkpoint."""

    model_type = "autoglm_grasp"

    def __init__(
        self,
        width: int = 128,
        layers: int = 4,
        heads: int = 4,
        queries: int = 8,
        image_height: int = 216,
        image_width: int = 288,
        stem: tuple[int, int, int] = (32, 64, 96),
        words: tuple[str, ...] = (*COLOURS, *SHAPES),
        max_words: int = 8,
        force_scales: int = 4,
        raw_samples: int = 64,
        raw_tokens: int = 16,
        chunk: int = 8,
        dt_ns: int = 33_333_333,
        max_speed_m_s: float = 0.25,
        max_width_m: float = 0.08,
        **kwargs: Any,
    ) -> None:
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
