"""What `autoglm collect` writes: for each kind of shard in a suite, which files there are and what makes a unit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from autoglm_embodied.data.collection import CollectionPlan, MakeUnit, settings_digest
from autoglm_embodied.data.schemas import DEMONSTRATIONS, LABELLED_IMAGES, OUTCOMES, SAMPLES
from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.collect.demonstrations import PER_SHARD, DemonstrationSettings, demonstration
from autoglm_embodied_sim.collect.labelled_images import PER_SCENE, LabelledImageSettings, labelled_images
from autoglm_embodied_sim.collect.labelled_images import SCENES_PER_SHARD as IMAGED_SCENES
from autoglm_embodied_sim.collect.outcomes import SCENES_PER_SHARD, OutcomeSettings, scene_outcomes

PRIMITIVES = "primitives"


@dataclass(frozen=True)
class Collection:
    """How much of what to collect in one suite; None is what is usual there.

    `dagger` is of the primitives, `outcomes` of the other suites; there, labelled `images` or outcomes are collected
    instead of demonstrations. `rig` is of the labelled images.
    """

    suite: str = PRIMITIVES
    episodes: int = 320
    images: int | None = None
    dagger: int = 0
    outcomes: int | None = None
    checkpoint: Path | None = None
    split: str = "train"
    image_hz: float = 30.0
    rig: str = "gantry"
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
        if self.suite != PRIMITIVES and self.dagger:
            raise ConfigError("--dagger is of the primitives; leave it or --suite out")
        if self.images and self.outcomes:
            raise ConfigError("labelled images and outcomes are collected apart; leave out --images or --outcomes")
        if self.suite != PRIMITIVES and self.checkpoint is not None and self.outcomes is None:
            raise ConfigError("--checkpoint is of --dagger or --outcomes; leave it out, or add --outcomes N")

    def plans(self, out: Path) -> list[tuple[CollectionPlan, MakeUnit]]:
        """What to write into a folder, and how."""
        if self.suite == PRIMITIVES:
            return self._primitives(out)
        if self.images:
            seen = LabelledImageSettings(self.suite, self.split, self.seed, self.rig)
            name, scenes = f"images-{self.suite}-{self.rig}", -(-self.images // PER_SCENE)
            digest = settings_digest(seen.all(LABELLED_IMAGES))
            return [
                (
                    CollectionPlan(out, LABELLED_IMAGES, name, scenes, IMAGED_SCENES, digest),
                    partial(labelled_images, seen),
                )
            ]
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
        # Here and not above: it needs torch, whose import takes seconds, and the other suites do not.
        from autoglm_embodied_sim.collect import primitive_samples as primitives

        images = -(-(10_000 if self.images is None else self.images) // primitives.IMAGES_PER_UNIT)
        found: list[tuple[CollectionPlan, MakeUnit]] = []
        amounts = {primitives.EPISODES: self.episodes, primitives.DAGGER: self.dagger, primitives.IMAGES: images}
        for kind, units in amounts.items():
            if units:
                checkpoint = self.checkpoint if kind == primitives.DAGGER else None
                settings = primitives.PrimitiveSettings(kind, self.seed, checkpoint)
                name, digest = f"{kind}-{PRIMITIVES}", settings_digest(settings.all())
                plan = CollectionPlan(out, SAMPLES, name, units, primitives.UNITS_PER_SHARD, digest)
                found.append((plan, partial(primitives.primitive_samples, settings)))
        return found
