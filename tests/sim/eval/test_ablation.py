"""A sense that is withheld never reaches the policy, from the sensor to the mask of the attention."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
import torch
from autoglm_embodied_sim.eval.altered_senses import ALTERATIONS, SWAPPED_FORCE, Alteration, AlteredSenses, alterations
from autoglm_embodied_sim.eval.learned_episode import Acted, AlteredAligner, act
from autoglm_embodied_sim.eval.simulated_rollout import SimulatedRollout
from autoglm_embodied_sim.policies.baselines import ABLATIONS
from sim_cases import Laid, laid_scene

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.kinematics import Robot
from autoglm_embodied.model.build import build_encoders, grasp_config
from autoglm_embodied.model.grasp_model import GraspModel, GraspOutput
from autoglm_embodied.model.inputs import ModelInput
from autoglm_embodied.policy.grasp_episode import GraspSettings
from autoglm_embodied.policy.learned import LearnedPolicy
from autoglm_embodied.policy.pipeline import Pipeline, Tick
from autoglm_embodied.tools.cli import main
from autoglm_embodied.types import MODALITIES

SETTINGS = GraspSettings(timeout_s=0.7, blind_s=0.4, look_ticks=2)


class Spied(GraspModel):
    """Keeps what it was given, and the masks."""

    given: list[ModelInput]
    present: list[list[bool]]

    def forward(self, batch: ModelInput) -> GraspOutput:
        self.given.append(batch)
        self.present.append(batch.present[0].tolist())
        return super().forward(batch)


class Watched(Pipeline):
    """Keeps its ticks."""

    ticks: list[Tick]

    def tick(self, t_ns: int, now_receive_ns: int) -> Tick:
        self.ticks.append(super().tick(t_ns, now_receive_ns))
        return self.ticks[-1]


@pytest.fixture(scope="module")
def table() -> Iterator[Laid]:
    table = laid_scene(0)
    yield table
    table.arm.close()


def episode(
    table: Laid, *altered: Alteration, swapped: Sequence[object] = ()
) -> tuple[Acted, list[Tick], list[list[bool]]]:
    """A short episode of an untrained model: how it ended, its ticks, the masks that the model was given."""
    torch.manual_seed(0)
    Spied.given, Spied.present, Watched.ticks = [], [], []
    config = grasp_config(width=32, layers=1, queries=4, stem=(8, 8, 16))
    model = Spied(config, build_encoders(config))
    robot = Robot.from_file(shipped("panda.yaml"))
    senses = AlteredSenses(altered, swapped=swapped)
    pipeline = Watched(AlteredAligner(robot, senses), LearnedPolicy(model), senses.missing)
    rollout = SimulatedRollout(table.rig, pipeline)
    rollout.settle()
    return act(pipeline, rollout, "pick up the red cube", SETTINGS), Watched.ticks, Spied.present


def test_without_force_the_attention_is_masked_and_no_peak_is_made_up(table: Laid) -> None:
    result, ticks, masks = episode(table, Alteration("force", "without"))
    assert result.peak_force_n is None
    assert masks and not any(mask[MODALITIES.index("force")] for mask in masks)
    assert all(mask[MODALITIES.index("vision")] and mask[MODALITIES.index("language")] for mask in masks)
    assert not any(tick.observation.force.present for tick in ticks)
    whole, _, masks = episode(table)
    assert whole.peak_force_n is not None and any(mask[MODALITIES.index("force")] for mask in masks)


@pytest.mark.parametrize(("sense", "outcome"), [("vision", "sensor_missing"), ("language", "timeout")])
def test_blind_or_deaf_the_arm_holds_still_until_the_episode_ends(table: Laid, sense: str, outcome: str) -> None:
    result, ticks, masks = episode(table, Alteration(sense, "without"))
    assert (result.outcome.word, masks) == (outcome, [])
    assert not any(getattr(tick.observation, sense).present or tick.chunk for tick in ticks)
    arms = [tick.observation.joints.value for tick in ticks]
    assert arms[0] is not None and arms[-1] is not None
    assert abs(arms[-1].position_rad - arms[0].position_rad).max() < 0.01


def test_names_are_checked_and_put_in_order() -> None:
    altered = alterations({"zeroed": ["force"], "without": ["language", "vision", "vision"]})
    assert "".join(each.ending for each in altered) == "_without_vision_without_language/force_zeroed"
    assert alterations({each.how: [each.sense] for each in ALTERATIONS[:1]}) == ALTERATIONS[:1]
    with pytest.raises(ConfigError, match="one of force, vision, language, got 'joints'"):
        alterations({"without": ["joints"]})
    with pytest.raises(ConfigError, match="one way only; choose between --without force and --frozen force"):
        alterations({"without": ["force"], "frozen": ["force"]})


def test_a_model_is_given_zeros_the_first_force_or_that_of_another_episode(table: Laid) -> None:
    index = MODALITIES.index("force")

    def forces(*altered: Alteration, swapped: Sequence[object] = ()) -> list[torch.Tensor]:
        episode(table, *altered, swapped=swapped)
        assert any(batch.present[0, index] for batch in Spied.given)
        return [batch.raw[0] for batch in Spied.given if batch.present[0, index]]

    plain = forces()
    felt = [tick.observation.force.value for tick in Watched.ticks]
    assert not torch.equal(plain[0], plain[-1])
    assert not any(force.any() for force in forces(Alteration("force", "zeroed")))
    first, *others = forces(Alteration("force", "frozen"))
    assert first.any() and all(torch.equal(first, other) for other in others)
    swapped = forces(SWAPPED_FORCE, swapped=felt[-1:])
    assert felt[-1] is not None and all(force.numpy() == pytest.approx(felt[-1].raw) for force in swapped)


def test_a_model_is_given_the_first_image_for_ever(table: Laid) -> None:
    episode(table, Alteration("vision", "frozen"))
    first, *others = [batch.visual for batch in Spied.given]
    assert first.any() and others and all(torch.equal(first, other) for other in others)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--without", "smell"], f"must be one of {', '.join(ABLATIONS)}, got 'smell'"),
        (["--without", "force", "--ros"], "leave out --ros"),
        (["--zeroed", "vision"], "--zeroed must be one of force, got 'vision'"),
        (["--zeroed", "force", "--frozen", "force"], "choose between --zeroed force and --frozen force"),
        (["--suite", "pile", "--instruction", "dropped"], "script is told which pixels are the named object's"),
        (["--suite", "declutter", "--policy", "named", "--instruction", "shuffled"], "leave out declutter"),
        (["--suite", "declutter", "--swapped", "force"], "--swapped force is for suites in which an object is named"),
        (["--suite", "pile", "--policy", "expert", "--frozen", "vision"], "expert is shown the simulator's state"),
        (["--suite", "pile", "--against-plain"], "--against-plain compares altered senses"),
        (["--suite", "pile", "--words", "loud"], "--words must be learned or held-out, got 'loud'"),
        (["--words", "learned"], "there are no other words for primitives"),
        (["--suite", "pile", "--rig", "arm", "--words", "learned", "--ros"], "leave out --ros"),
        (["--without", "smell", "--suite", "pile"], "got 'smell'"),
        (
            ["--without", "vision", "--suite", "pile"],
            "script needs vision and language; leave out --without vision",
        ),
        (["--suite", "pile", "--report", "/dev/null"], "cannot write a report to /dev/null"),  # told before measuring
        (["--suite", "pile", "--thumbnails", "3"], "needs --report"),
        (["--suite", "pile", "--report", "out", "--thumbnails", "-1"], "must be 0 or more"),
    ],
)
def test_impossible_options_are_refused(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--episodes", "1", *options]) == 2
    assert said in capsys.readouterr().err
