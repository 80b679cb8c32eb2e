"""Words that the segmenter does not know, found by a local zero-shot object detector of `transformers`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import FloatArray

TASK = "zero-shot-object-detection"
LEAST_OVERLAP = 0.5  # intersection over union of a detected box and that of an object's pixels


class ZeroShotDetector:
    """An OWL-ViT, OWLv2 or similar, in a folder as `save_pretrained` writes it: weights as safetensors alone.

    It is run once when it is made: one of another kind is refused then, and no hand waits for the first run.

    Args:
        folder: of model and processor; nothing is downloaded, and no code of it is run.
        device: a torch device.

    Raises:
        ConfigError: there is no such model there.
    """

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        from transformers import pipeline  # seconds, which only who uses it has to wait

        try:
            self._detect = pipeline(
                TASK,
                model=str(folder.resolve(strict=True)),
                device=device,
                local_files_only=True,
                model_kwargs={"use_safetensors": True},
            )
            self.named(np.zeros((64, 64, 3), np.uint8), "object", np.zeros((64, 64), np.int16), 1)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, ImportError) as error:
            reason = str(error).partition("\n")[0]
            raise ConfigError(
                f"grounding must be a folder with a zero-shot object detector of transformers, its weights in "
                f"model.safetensors, got {str(folder)!r} ({reason}); save one there with save_pretrained"
            ) from error

    @torch.inference_mode()
    def named(self, rgb: NDArray[np.uint8], phrase: str, owner: NDArray[np.int16], count: int) -> FloatArray:
        """(count,) probability that a phrase names each object.

        Args:
            rgb: (height, width, 3).
            phrase: a noun, such as "screwdriver" or "wooden spoon".
            owner: (height, width) index of the object seen, NO_INSTANCE elsewhere.
            count: of the objects.
        """
        from PIL import Image

        found = self._detect(Image.fromarray(rgb), candidate_labels=[phrase], threshold=0.0)
        most = [rgb.shape[1], rgb.shape[0]] * 2
        boxes = np.array([list(each["box"].values()) for each in found], float).reshape(-1, 4).clip(0, most)
        scores = np.array([each["score"] for each in found], float)
        return np.array([_score(_box(owner == index), boxes, scores) for index in range(count)])


def _box(mask: NDArray[np.bool_]) -> FloatArray:
    """(4,) left, top, right, bottom [px] around a mask."""
    rows, columns = np.nonzero(mask)
    if not rows.size:
        return np.full(4, np.nan)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], float)


def _score(box: FloatArray, boxes: FloatArray, scores: FloatArray) -> float:
    """The highest score of the boxes (n, 4) that lie around the same."""
    width, height = (np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])).T.clip(min=0)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) + np.prod(box[2:] - box[:2])
    overlap = width * height / np.maximum(area - width * height, 1)
    return float(scores[overlap > LEAST_OVERLAP].max(initial=0.0))  # NaN, of a hidden object, is no overlap
