"""How far what a model makes of a tick is from training: Mahalanobis distances of image and latent, kept in one file.

After Lee et al. 2018, "A simple unified framework for detecting out-of-distribution samples", with one class; the
covariance is shrunk as Ledoit and Wolf 2004 do. The latent hardly tells a spoilt image, the mean of its visual tokens
does. D width, N tokens, n samples.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from autoglm_embodied.errors import CheckpointError
from autoglm_embodied.types import FloatArray
from autoglm_embodied.whole_file import whole_file

FILE = "latents.safetensors"
WEIGHTS_FILE, OF_WEIGHTS = "model.safetensors", "weights_sha256"
MAKE = "make them with autoglm train --statistics-only --start"
PLACE = 4  # numbers that end a token: place and how much of its depth is known
PARTS, NAMES = ("image", "latent"), ("mean", "precision", "usual")
USUAL_SHARE = 0.999  # of the samples that were kept aside are no farther than 1


@dataclass(frozen=True)
class Spread:
    """Of vectors that training was made of."""

    mean: FloatArray  # (D,)
    precision: FloatArray  # (D, D) inverse of the covariance
    usual: float  # the distance that USUAL_SHARE of the samples kept aside do not exceed

    def __post_init__(self) -> None:
        width = len(self.mean)
        finite = all(np.isfinite(each).all() for each in (self.mean, self.precision, self.usual))
        if self.precision.shape != (width, width) or not finite or self.usual <= 0:
            raise CheckpointError(f"the statistics of the latents are damaged or mean nothing; {MAKE} DIR")

    @classmethod
    def fit(cls, learned: FloatArray, aside: FloatArray) -> Spread:
        """Of vectors (n, D) that were learned from; others (m, D), kept aside, say what is usual."""
        if len(learned) < 2 or not len(aside):
            raise CheckpointError(f"statistics of {len(learned)} samples mean nothing; collect more demonstrations")
        mean = learned.mean(axis=0, dtype=np.float64)
        precision = np.linalg.pinv(_shrunk_covariance(learned - mean), hermitian=True)
        return cls(mean, precision, float(np.quantile(_distances(aside - mean, precision), USUAL_SHARE)))

    def distance(self, vector: FloatArray) -> float:
        """Of a vector (D,) from the mean, where 1 is what is still usual; NaN where it is not finite."""
        return float(_distances((vector - self.mean)[None], self.precision)[0]) / self.usual


@dataclass(frozen=True)
class LatentStatistics:
    """Of one checkpoint, on what it was trained with."""

    image: Spread  # of the mean of an image's visual tokens
    latent: Spread  # of the shared latent

    def distances(self, tokens: FloatArray, latent: FloatArray) -> dict[str, float]:
        """How far a tick is from training, where 1 is what is still usual, and NaN what is not finite.

        Args:
            tokens: (N, D + 4) visual tokens, which end in their places.
            latent: (D,) the shared latent.
        """
        return {"image": self.image.distance(pooled(tokens)), "latent": self.latent.distance(latent)}

    def save(self, directory: Path) -> None:
        """Write them beside the weights of the checkpoint in `directory`, of which they are."""
        arrays = {
            f"{part}.{name}": np.asarray(getattr(getattr(self, part), name), np.float64)
            for part in PARTS
            for name in NAMES
        }
        with whole_file(directory / FILE) as partial:
            save_file(arrays, partial, {OF_WEIGHTS: sha256(directory / WEIGHTS_FILE)})


def pooled(tokens: FloatArray) -> FloatArray:
    """The mean (..., D) of visual tokens (..., N, D + 4), without their places."""
    mean: FloatArray = tokens[..., :-PLACE].mean(axis=-2)
    return mean


def load_statistics(directory: Path) -> LatentStatistics:
    """Those of the checkpoint in `directory`.

    Raises:
        CheckpointError: there are none, they cannot be read, or they are of other weights.
    """
    path = directory / FILE
    if not path.is_file():
        raise CheckpointError(f"the checkpoint in {directory} has no statistics of its latents ({FILE}); {MAKE} DIR")
    try:
        with safe_open(path, "np") as file:
            of_weights = (file.metadata() or {}).get(OF_WEIGHTS)
            parts = {part: [file.get_tensor(f"{part}.{name}") for name in NAMES] for part in PARTS}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read {path}: {str(error).splitlines()[0]}; {MAKE} DIR") from error
    if of_weights != sha256(directory / WEIGHTS_FILE):
        raise CheckpointError(f"{path} is of another checkpoint than {directory / WEIGHTS_FILE}; {MAKE} DIR")
    return LatentStatistics(*(Spread(mean, precision, float(usual)) for mean, precision, usual in parts.values()))


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _distances(off: FloatArray, precision: FloatArray) -> FloatArray:
    """(n,) Mahalanobis distances of deviations (n, D) from the mean."""
    squares = np.einsum("nd,nd->n", off @ precision, off)
    distances: FloatArray = np.sqrt(np.maximum(squares, 0.0))  # NaN stays NaN
    return distances


def _shrunk_covariance(off: FloatArray) -> FloatArray:
    """(D, D) of deviations (n, D) from their mean, drawn towards a multiple of the identity (Ledoit and Wolf 2004)."""
    n, width = off.shape
    covariance: FloatArray = off.T @ off / n
    target = np.trace(covariance) / width * np.eye(width)
    spread = np.square(covariance - target).sum()
    noise = (np.square(np.square(off).sum(axis=1)).sum() / n - np.square(covariance).sum()) / n
    share = min(noise / spread, 1.0) if spread > 0 else 1.0
    shrunk: FloatArray = (1 - share) * covariance + share * target
    return shrunk
