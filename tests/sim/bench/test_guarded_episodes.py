"""The shipped statistics know a simulated image; altered ones are farther from training, each in its own way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from autoglm_embodied_sim.bench.guarded_episodes import ALTERED_FRAMES, ALTERED_SENSES, PLAIN, measure
from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR
from autoglm_embodied_sim.robots.arm import Arm
from autoglm_embodied_sim.robots.layout import lay_out_task
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import suite_named

from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.metrics import Report
from autoglm_embodied.model.checkpoint import SHIPPED
from autoglm_embodied.model.latent_statistics import load_statistics
from autoglm_embodied.policy.distribution_guard import GuardSettings
from autoglm_embodied.policy.learned import load_policy
from autoglm_embodied.types import Frame

pytestmark = pytest.mark.slow
SEED = 20_000
SUBTLE = ("camera shifted 5 cm",)


@pytest.fixture(scope="module")
def frame() -> Iterator[Frame]:
    """Of a scene that was in no training."""
    suite = suite_named("primitives")
    task = lay_out_task(suite, sample_grasp_scene(suite, (), SEED), LEARNING_GRAMMAR, Arm)
    yield task.rig.rig.frame()
    task.rig.close()


def image_distance(frame: Frame) -> float:
    """Of its visual tokens from training."""
    tokens = load_policy(SHIPPED, AlignSettings(), 7, "cpu").encode(frame)
    return load_statistics(SHIPPED).image.distance(tokens[:, :-4].mean(axis=0))


def test_an_altered_image_is_farther_from_training_than_the_plain_one(frame: Frame) -> None:
    plain = image_distance(frame)
    assert plain < GuardSettings().slow_distance
    altered = {name: image_distance(change(frame)) for name, change in ALTERED_FRAMES.items() if name not in SUBTLE}
    assert all(distance > plain for distance in altered.values()), (plain, altered)
    assert altered["a quarter of the light"] > GuardSettings().hold_distance


def test_an_episode_is_judged_plain_and_with_each_sense_altered() -> None:
    report = Report("autoglm bench guard", SEED, 0)
    measure(report, SHIPPED, 1, lambda _: None)
    auroc = {row.case: row.value for row in report.rows if row.figure == "guard.auroc"}
    assert set(ALTERED_FRAMES) < set(auroc) and "force of another episode" not in auroc
    assert auroc["a quarter of the light"] > 0.9
    assert np.isfinite(list(auroc.values())).all()


def test_the_page_shows_the_figures_of_the_guard_beside_it() -> None:
    docs = Path(__file__).resolve().parents[3] / "docs"
    page = (docs / "distribution_guard.md").read_text()
    rows = json.loads((docs / "figures" / "guard" / "next_16.json").read_text())["rows"]
    values = {(row["figure"], row["case"]): (row["value"], row["n"]) for row in rows}
    for name in (*ALTERED_FRAMES, *ALTERED_SENSES):
        (slowed, n), (held, _) = values["guard.slowed", name], values["guard.held", name]
        auroc = values["guard.auroc", name][0]
        assert f"| {name} | {auroc:.2f} | {slowed * n:.0f} of {n} | {held * n:.0f} of {n} |" in page
    assert "| nothing | – | 1 of 16" in page and values["guard.slowed", PLAIN] == (1 / 16, 16)
