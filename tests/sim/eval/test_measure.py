"""Measuring suites: settings refused in one sentence, the same rows for any number of workers."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

import pytest
import trimesh
from autoglm_embodied_sim.cli.evaluate import add_parser, measurement
from autoglm_embodied_sim.eval import measure as measuring
from autoglm_embodied_sim.eval.altered_senses import ALTERATIONS, SWAPPED_FORCE
from autoglm_embodied_sim.eval.measure import Measurement, drawn_scenes, measure, shapes_of

from autoglm_embodied.config import shipped
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli import main

UR5E = shipped("robots/ur5e.yaml")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.slow
def test_a_users_meshes_are_evaluated_and_the_unusable_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meshes = tmp_path / "meshes"
    meshes.mkdir()
    trimesh.creation.box((0.03, 0.04, 0.05)).export(meshes / "brick.ply")
    trimesh.creation.box((3, 4, 5)).export(meshes / "house.stl")
    command = ["evaluate", "--suite", "separated", "--policy", "pca", "--episodes", "1", "--objects", str(meshes)]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "left out: house.stl: its smallest side is 3000 mm" in said and "1 meshes left out" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"suites": ("heap",)}, "there is no suite 'heap'; the suites are primitives, separated"),
        ({"policies": ("luck",)}, "there is no policy 'luck'"),
        ({"rig": "crane"}, "suites run on the rig gantry or arm, got 'crane'"),
        ({"policies": ("learned",)}, "'learned' drives the whole arm, not the gantry; add --rig arm"),
        ({"policies": ("expert",), "rig": "arm"}, "the expert tries grasps out in copies of the gantry"),
        ({"policies": ("learned",), "rig": "arm", "suites": ("declutter",)}, "leave out declutter"),
        ({"over_dds": True}, "over DDS the arm is simulated, not the gantry; add --rig arm"),
        ({"rig": "arm", "over_dds": True, "policies": ("expert",)}, "the expert tries grasps out in copies"),
        (
            {"rig": "arm", "over_dds": True, "policies": ("script_true_camera",)},
            "script_true_camera is shown the simulator's state, which no topic carries; leave out --ros",
        ),
        ({"rig": "arm", "over_dds": True, "suites": ("declutter",)}, "leave out --ros, or declutter"),
        (
            {"policies": ("learned",), "rig": "arm", "over_dds": True, "altered": (SWAPPED_FORCE,)},
            "altered senses and other words are measured in process; leave out --ros",
        ),
        ({"robot_file": UR5E}, "a robot file is of an arm, not of the gantry; add --rig arm"),
        (
            {"robot_file": UR5E, "rig": "arm", "policies": ("learned",)},
            "'learned' drives an arm of 7 joints, ur5e has 6; choose --policy named, which drives any",
        ),
        ({"robot_file": Path("none.yaml"), "rig": "arm"}, "cannot read settings from none.yaml"),
        ({"split": "all"}, "objects come from test, train, validate, got 'all'"),
    ],
)
def test_impossible_measurements_are_refused(options: dict[str, object], said: str) -> None:
    settings = {"suites": ("separated",), "policies": ("pca",), "episodes": 1}
    with pytest.raises(ConfigError, match=said):
        Measurement(**(settings | options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("argv", "case"),
    [
        ([], "primitives/learned/arm"),
        (["--policy", "script"], "primitives/script/arm"),
        (["--without", "force", "--easy"], "primitives/learned/arm_easy_without_force"),
        (["--ros"], "primitives/learned/arm_over_dds"),
        (["--suite", "pile"], "pile/script/gantry"),
        (["--suite", "pile", "--words", "held-out"], "pile/script/gantry"),  # as the test split has it anyway
        (["--suite", "pile", "--policy", "named", "--words", "learned"], "pile/named/gantry/words_learned"),
        (
            ["--instruction", "shuffled", "--zeroed", "force"],
            "primitives/learned/arm/force_zeroed/instruction_shuffled",
        ),
    ],
)
def test_without_a_suite_the_learned_policy_is_measured_among_primitives_on_the_arm(argv: list[str], case: str) -> None:
    parser = ArgumentParser()
    add_parser(parser.add_subparsers())
    wanted = measurement(parser.parse_args(["evaluate", *argv]))
    assert [wanted.case(suite, policy) for suite in wanted.suites for policy in wanted.policies] == [case]


def test_a_checkpoint_without_the_learned_policy_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--suite", "pile", "--checkpoint", str(tmp_path)]) == 2
    assert "add --policy learned" in capsys.readouterr().err
    command = ["evaluate", "--suite", "pile", "--rig", "arm", "--policy", "learned", "--checkpoint", str(tmp_path)]
    assert main([*command, "--log", str(tmp_path / "log")]) == 2
    assert "no checkpoint in" in capsys.readouterr().err


@pytest.mark.slow
def test_the_learned_policy_acts_in_a_suite_on_its_senses() -> None:
    wanted = Measurement(("separated",), ("learned",), episodes=1, seed=2, rig="arm", split="validate", easy=True)
    (result,) = measure(wanted)
    assert (result.policy, result.seed) == ("learned", 2)
    assert result.approaches >= 1 and result.seconds > 1


def test_everything_drawn_for_a_scene_is_told_and_differs_from_seed_to_seed() -> None:
    wanted = Measurement(("pile",), ("script",), episodes=2, split="validate")
    scenes = drawn_scenes(wanted, shapes_of(wanted))["pile"]
    assert list(scenes) == [0, 1] and scenes == json.loads(json.dumps(scenes), object_hook=_numbered)
    for first, second in zip(scenes[0].items(), scenes[1].items(), strict=True):
        assert first[0] == second[0]
    assert scenes[0]["hand_eye_m"] != scenes[1]["hand_eye_m"]
    assert scenes[0]["surroundings"] != scenes[1]["surroundings"]
    objects = scenes[0]["objects"]
    assert isinstance(objects, list) and len(objects) == 8
    assert {"shape", "colour", "mass_kg", "friction"} < set(objects[0])


def _numbered(pairs: dict[str, object]) -> dict[object, object]:
    return {int(key) if key.isdigit() else key: value for key, value in pairs.items()}


def test_what_is_remembered_is_told_apart_by_alterations_and_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def cache(folder: Path, settings: dict[str, object], fresh: bool) -> None:
        made.append(json.dumps(settings, sort_keys=True, default=str))
        raise ConfigError("nothing is run")

    monkeypatch.setattr(measuring, "ResultCache", cache)
    monkeypatch.setattr(measuring, "split_shapes", lambda split: ())
    plain = Measurement(("separated",), ("learned",), 1, rig="arm")
    every = [replace(plain, altered=(each,)) for each in ALTERATIONS]
    for wanted in (plain, replace(plain, words="learned"), *every):
        with pytest.raises(ConfigError, match="nothing is run"):
            measure(wanted, keep=tmp_path)
    assert len(set(made)) == len(made) == 2 + len(ALTERATIONS)
