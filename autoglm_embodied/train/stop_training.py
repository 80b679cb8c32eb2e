"""Training of the stop channel's networks: on log-mel frames of sounds that are mixed as it goes, or on what
the speech encoder makes of sounds that are drawn once.

What is exported is the moving average of the weights. What the network has wrong is learned from the more often, the
more it does. What was stopped goes on.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from autoglm_embodied.errors import ConfigError, SetupError
from autoglm_embodied.train.stop_encodings import EncodedBatches, draw_sounds
from autoglm_embodied.train.stop_network import (
    WEIGHTS,
    EncoderHead,
    StopNetwork,
    TrainedNetwork,
    export,
    load_weights,
    stop_losses,
)
from autoglm_embodied.train.stop_sounds import EQUALISER_DB, LOG_MEL_SHAPE, PER_DB, Sound, SoundMixer, level
from autoglm_embodied.train.stop_speech import SpeechClip
from autoglm_embodied.voice.stop_features import OVERLAP, FeatureArray, log_mel
from autoglm_embodied.voice.stop_spotter import STEP
from autoglm_embodied.whole_file import whole_file

DECAY = 0.05  # of weights
AVERAGED = 0.998  # of the moving average, kept at each step
REPEATS = 8  # of each drawn sound: to draw one costs as much as to learn from it
POOL = 5000  # sounds
MININGS = 12  # in a training
LEVEL = 0.08  # of undisturbed speech
LEAST_PREFERENCE = 0.2  # of speech that is never mistaken for the word, to speech that always is
CHECKPOINT = "training.safetensors"
NETWORKS: dict[str, type[TrainedNetwork]] = {"log-mel": StopNetwork, "encoder": EncoderHead}


@dataclass(frozen=True)
class StopTraining:
    """Which network learns, and how long."""

    features: str = "log-mel"
    sounds: int = 32000  # of the encoder
    steps: int = 6000
    batch: int = 48
    seed: int = 0
    rate: float = 3e-3  # of learning, the highest

    def __post_init__(self) -> None:
        if self.features not in NETWORKS:
            raise ConfigError(f"there is no network on {self.features!r}; choose {' or '.join(NETWORKS)}")
        if min(self.sounds, self.steps) < 1 or self.batch < 2 or self.seed < 0 or not 0.0 < self.rate <= 0.1:
            raise ConfigError(
                "training needs --sounds and --steps of at least 1, --batch of at least 2, --seed of at least 0 and a "
                "--rate above 0, of at most 0.1"
            )


class Batches(Protocol):
    """What a network learns from."""

    def draw(self) -> tuple[Tensor, Tensor]:
        """Inputs of the next batch and targets (B, S)."""

    def tell(self, losses: NDArray[np.floating]) -> None:
        """What the network loses (B,) on each sound of it."""


def train_stop_network(
    clips: Sequence[SpeechClip],
    training: StopTraining,
    out: Path,
    report: Callable[[int, dict[str, float]], None],
    start: Path | None = None,
) -> None:
    """Train on sounds drawn from clips, and export the network.

    Args:
        clips: with and without the word.
        training: how long.
        out: folder of stop.onnx, stop.safetensors, and of training.safetensors and sounds/, from which it goes on.
        report: called a hundred times with the step, the mean loss since the last and the figures of its batch; with
            step 0 and how many sounds are drawn, where they are drawn once.
        start: a stop.safetensors to begin from.

    Raises:
        ConfigError: the clips do not hold both kinds of speech, or `out` holds another training.
        CheckpointError: `start` holds other weights, or none.
        SetupError: what writes the network, or the speech encoder, is missing.
    """
    if not {"none"} < {clip.place for clip in clips}:
        raise ConfigError("the speech must hold texts with the word and texts without; make it, or more, first")
    if find_spec("onnx") is None:
        raise SetupError("the network is written by the package onnx, which is missing; run `pip install onnx`")
    run = _Run(len(clips), training, start)
    out.mkdir(parents=True, exist_ok=True)
    run.resume(out / CHECKPOINT)
    batches: Batches
    if training.features == "encoder":
        sounds = draw_sounds(clips, training.sounds, out / "sounds", training.seed, lambda n: report(0, {"sounds": n}))
        batches = EncodedBatches(sounds, training.batch, np.random.default_rng([training.seed, run.done]))
    else:
        batches = _MixedBatches(clips, training, run.averaged)
    shown: list[float] = []
    for step, (loss, figures) in run.steps(batches):
        shown.append(loss)
        if step % max(1, training.steps // 100) == 0 or step == training.steps:
            report(step, {"loss": float(np.mean(shown))} | figures)
            shown.clear()
            run.save(out / CHECKPOINT)
    with whole_file(out / WEIGHTS) as partial:
        save_file(run.averaged.state_dict(), partial)
    export(run.averaged, out / "stop.onnx")


class _Run:
    """A training: network, average and optimiser."""

    def __init__(self, clips: int, training: StopTraining, start: Path | None) -> None:
        torch.manual_seed(training.seed)
        self.training, self.done = training, 0
        self.network = NETWORKS[training.features]()
        if start is not None:
            load_weights(self.network, start)
        self.average = AveragedModel(self.network, avg_fn=_average, use_buffers=True)
        self.optimiser = torch.optim.AdamW(self.network.parameters(), training.rate, weight_decay=DECAY)
        self.of = str({**asdict(training), "clips": clips})

    @property
    def averaged(self) -> TrainedNetwork:
        """What is exported."""
        return cast(TrainedNetwork, self.average.module)

    def steps(self, batches: Batches) -> Iterator[tuple[int, tuple[float, dict[str, float]]]]:
        """Each step that is left, with its loss and figures."""
        while self.done < self.training.steps:
            inputs, target = batches.draw()
            logits = self.network.whole(inputs)
            losses = stop_losses(logits, target)
            self._learn(losses.mean())
            self.done += 1
            batches.tell(losses.detach().numpy())
            yield self.done, (float(losses.detach().mean()), _figures(logits.detach(), target))

    def _learn(self, loss: Tensor) -> None:
        self.optimiser.param_groups[0]["lr"] = self._rate(self.done)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.average.update_parameters(self.network)

    def save(self, path: Path) -> None:
        """Write all that `resume` needs."""
        with whole_file(path) as partial:
            save_file(self._tensors(), partial, {"of": self.of, "done": str(self.done)})

    def resume(self, path: Path) -> None:
        """Go on from a file, if it is there; sounds are drawn anew."""
        if not path.is_file():
            return
        try:
            with safe_open(path, "pt") as held:
                told = held.metadata() or {}
                tensors = {name: held.get_tensor(name) for name in held.keys()}  # noqa: SIM118 it is no dictionary
        except (OSError, SafetensorError) as error:
            raise ConfigError(f"{path} holds no training ({error}); remove it, or name another --out") from error
        if told.get("of") != self.of:
            raise ConfigError(f"{path} holds a training of {told.get('of')}, not of {self.of}; name another --out")
        self.network.load_state_dict(_below("network", tensors))
        self.average.load_state_dict(_below("average", tensors))
        moments = {n: _below(f"optimiser.{n}", tensors) for n, _ in enumerate(self.network.parameters())}
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": moments})
        self.done = int(told["done"])

    def _tensors(self) -> dict[str, Tensor]:
        moments = self.optimiser.state_dict()["state"]
        parts = {"network": self.network.state_dict(), "average": self.average.state_dict()}
        parts |= {f"optimiser.{n}": held for n, held in moments.items()}
        return {f"{part}.{name}": tensor for part, held in parts.items() for name, tensor in held.items()}

    def _rate(self, step: int) -> float:
        steps = self.training.steps
        warm_up = min(1.0, (step + 1) / max(1, steps // 20))
        return self.training.rate * warm_up * 0.5 * (1.0 + math.cos(math.pi * step / steps))


def _below(part: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}."): tensor for name, tensor in tensors.items() if name.startswith(f"{part}.")}


def _average(average: Tensor, current: Tensor, updates: Tensor | int) -> Tensor:
    kept = min(AVERAGED, (1.0 + float(updates)) / (10.0 + float(updates)))
    return average * kept + current * (1.0 - kept) if average.is_floating_point() else current


@torch.inference_mode()
def mistaken(network: TrainedNetwork, sounds: Sequence[FeatureArray]) -> NDArray[np.float64]:
    """The highest probability (n,) of the word in frames (BANDS, S * STEP_FRAMES) of sounds without it."""
    network.eval()
    logits = (network.whole(torch.from_numpy(frames)[None]) for frames in sounds)
    return np.array([float(each.max().sigmoid()) for each in logits])


def clear_frames(clip: SpeechClip) -> FeatureArray:
    """Frames (BANDS, S * STEP_FRAMES) of an undisturbed clip."""
    samples = LEVEL / level(clip.samples) * clip.samples
    return log_mel(np.pad(samples, (OVERLAP, -len(samples) % STEP)).astype(np.float32))


class _MixedBatches:
    """The newest POOL mixed sounds, each of which comes in about REPEATS batches.

    Other speech that the network mistakes for the word is mixed in the more often.
    """

    def __init__(self, clips: Sequence[SpeechClip], training: StopTraining, network: TrainedNetwork) -> None:
        self._mixer = SoundMixer(clips, np.random.default_rng(training.seed), LOG_MEL_SHAPE)
        self._network, self._batch = network, training.batch
        self._others = [clear_frames(clip) for clip in self._mixer.others]
        self._rng = np.random.default_rng([training.seed, 1])
        self._sounds: deque[Sound] = deque(maxlen=POOL)
        self._told, self._mined = 0, max(1, training.steps // MININGS)

    def draw(self) -> tuple[Tensor, Tensor]:
        """Frames (B, BANDS, S * STEP_FRAMES) and targets (B, S)."""
        new = -(-self._batch // REPEATS) if self._sounds else 2 * self._batch
        self._sounds.extend(self._mixer.draw() for _ in range(new))
        chosen = [self._sounds[at] for at in self._rng.integers(0, len(self._sounds), self._batch)]
        features = np.stack([_varied(sound.features, self._rng) for sound in chosen])
        return torch.from_numpy(features), torch.from_numpy(np.stack([sound.target for sound in chosen]))

    def tell(self, losses: NDArray[np.floating]) -> None:
        """Now and then, see what the network mistakes for the word."""
        self._told += 1
        if self._told % self._mined == 0:
            self._mixer.prefer(LEAST_PREFERENCE + mistaken(self._network, self._others))


def _varied(features: FeatureArray, rng: np.random.Generator) -> FeatureArray:
    """Frames (BANDS, n) once more, a little different: louder or quieter, other formants, a moment left out."""
    shift = int(rng.integers(-1, 2))
    bands = np.clip(np.arange(len(features)) + shift, 0, len(features) - 1)
    varied = features[bands] + np.float32(rng.normal(0.0, EQUALISER_DB * PER_DB))
    if rng.random() < 0.3:
        first = int(rng.integers(features.shape[1] - 5))
        varied[:, first : first + int(rng.integers(1, 6))] = varied.min()
    return varied


def _figures(logits: Tensor, target: Tensor) -> dict[str, float]:
    """Share of words spotted at a probability of 0.5, and of sounds in which one was spotted wrongly."""
    said = (target == 1).any(1)
    spotted = (logits.masked_fill(target != 1, -30.0).amax(1) > 0)[said].float().mean()
    false = (logits.masked_fill(target != 0, -30.0).amax(1) > 0).float().mean()
    return {"spotted": float(spotted), "false": float(false)}
