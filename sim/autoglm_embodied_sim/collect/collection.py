"""What `autoglm collect` writes: for each kind of shard in a suite, which files there are and what makes a unit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from autoglm_embodied.data.collection import CollectionPlan, MakeUnit, settings_digest
from autoglm_embodied.data.schemas import DEMONSTRATIONS, OUTCOMES, SAMPLES
from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.collect.demonstrations import PER_SHARD, DemonstrationSettings, demonstration
from autoglm_embodied_sim.collect.outcomes import SCENES_PER_SHARD, OutcomeSettings, scene_outcomes
from autoglm_embodied_sim.collect.primitive_samples import (
    DAGGER,
    EPISODES,
    IMAGES,
    IMAGES_PER_UNIT,
    UNITS_PER_SHARD,
    PrimitiveSettings,
    primitive_samples,
)

PRIMITIVES = "primitives"


@dataclass(frozen=True)
class Collection:
    """How much of what to collect in one suite; None is what is usual there.

    `images` and `dagger` are of the primitives, `outcomes` of the other suites, where they replace demonstrations.
    """

    suite: str = PRIMITIVES
    episodes: int = 320
    images: int | None = None
    dagger: int = 0
    outcomes: int | None = None
    checkpoint: Path | None = None
    split: str = "train"
    image_hz: float = 30.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("episodes", "images", "dagger", "seed"):
            if (getattr(self, name) or 0) < 0:
                raise ConfigError(f"--{name} must be 0 or more, got {getattr(self, name)}")
        if self.outcomes is not None and self.outcomes < 1:
            raise ConfigError(f"--outcomes must be 1 or more, got {self.outcomes}")
        if self.suite == PRIMITIVES and self.outcomes is not None:
            raise ConfigError(
                "outcomes are of suites of unknown objects; name one, as in: --suite pile --outcomes 20000"
            )
        if self.suite != PRIMITIVES and (self.images or self.dagger):
            raise ConfigError("--images and --dagger are of the primitives; leave them or --suite out")
        if self.suite != PRIMITIVES and self.checkpoint is not None and self.outcomes is None:
            raise ConfigError("--checkpoint is of --dagger or --outcomes; leave it out, or add --outcomes N")

    def plans(self, out: Path) -> list[tuple[CollectionPlan, MakeUnit]]:
        """What to write into a folder, and how."""
        if self.suite == PRIMITIVES:
            return self._primitives(out)
        if self.outcomes is None:
            shown = DemonstrationSettings(self.suite, self.split, self.seed, self.image_hz)
            name, digest = f"demonstrations-{self.suite}", settings_digest(shown.all(DEMONSTRATIONS))
            plan = CollectionPlan(out, DEMONSTRATIONS, name, self.episodes, PER_SHARD, digest)
            return [(plan, partial(demonstration, shown))]
        tried = OutcomeSettings(self.suite, self.split, self.seed, scorer=self.checkpoint)
        name, scenes = f"outcomes-{self.suite}", -(-self.outcomes // tried.per_scene)
        plan = CollectionPlan(out, OUTCOMES, name, scenes, SCENES_PER_SHARD, settings_digest(tried.all(OUTCOMES)))
        return [(plan, partial(scene_outcomes, tried))]

    def _primitives(self, out: Path) -> list[tuple[CollectionPlan, MakeUnit]]:
        images = -(-(10_000 if self.images is None else self.images) // IMAGES_PER_UNIT)
        found: list[tuple[CollectionPlan, MakeUnit]] = []
        for kind, units in ((EPISODES, self.episodes), (DAGGER, self.dagger), (IMAGES, images)):
            if units:
                settings = PrimitiveSettings(kind, self.seed, self.checkpoint if kind == DAGGER else None)
                name, digest = f"{kind}-{PRIMITIVES}", settings_digest(settings.all())
                plan = CollectionPlan(out, SAMPLES, name, units, UNITS_PER_SHARD, digest)
                found.append((plan, partial(primitive_samples, settings)))
        return found
