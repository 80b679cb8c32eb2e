"""One demonstration: nothing of the force is left out, and images are those that the rig's camera would show."""

from __future__ import annotations

import numpy as np
import pytest
from autoglm_embodied_sim.collect.demonstrations import SIZE_PX, DemonstrationSettings, demonstration
from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR
from autoglm_embodied_sim.language.instruction import instruct
from autoglm_embodied_sim.robots.layout import lay_out
from autoglm_embodied_sim.scenes.suite import suite_named

from autoglm_embodied.data.schemas import DEMONSTRATIONS
from autoglm_embodied.data.shards import Shard
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.types import Phase

STEP_NS = 2_000_000
HZ = 10.0


@pytest.fixture(scope="module")
def shown() -> Shard:
    return demonstration(DemonstrationSettings("large", "validate", image_hz=HZ), 9)


def test_every_field_is_there_and_finite(shown: Shard) -> None:
    assert set(shown.arrays) == set(DEMONSTRATIONS.fields)
    assert all(np.isfinite(values).all() for values in shown.arrays.values())
    rows = {"objects": "object_shape", "approaches": "approach_ns", "frames": "frame_ns", "steps": "step_ns"}
    assert all(shown.arrays[count].tolist() == [len(shown.arrays[field])] for count, field in rows.items())


def test_the_wrench_of_every_step_is_there(shown: Shard) -> None:
    stamps = shown.arrays["step_ns"]
    assert stamps.dtype == np.int64 and (np.diff(stamps) == STEP_NS).all()
    assert len(stamps) == pytest.approx(shown.arrays["seconds"][0] * 1e9 / STEP_NS)
    assert len(shown.arrays["wrench"]) == len(shown.arrays["pose"]) == len(stamps)
    during = shown.arrays["phase"] == Phase.HOLD.value
    load_n = (shown.arrays["wrench"][during] - shown.arrays["approach_tare"][-1])[:, 2]
    assert np.median(load_n) == pytest.approx(9.81 * shown.arrays["object_mass_kg"][0], abs=0.3)


def test_images_keep_their_beat_and_approaches_show_the_target(shown: Shard) -> None:
    beat_ns = np.diff(shown.arrays["frame_ns"])
    assert abs(beat_ns - 1e9 / HZ).max() <= STEP_NS
    assert shown.arrays["rgb"].shape[1:] == (SIZE_PX, SIZE_PX, 3)
    target = shown.arrays["target"][0]
    assert all((owner == target).sum() > 10 for owner in shown.arrays["approach_owner"])


def test_phases_follow_the_grasp(shown: Shard) -> None:
    phase = shown.arrays["phase"]
    begun = [int(np.argmax(phase == value.value)) for value in (Phase.DESCEND, Phase.CLOSE, Phase.LIFT, Phase.HOLD)]
    assert shown.notes[0]["held"] and begun == sorted(begun) and begun[0] >= 0 and (phase != 0).all()
    closed_m = shown.arrays["width_m"][phase == Phase.HOLD.value]
    assert closed_m.min() > 0.002 and np.ptp(closed_m) < 0.003


def test_an_instruction_is_given_only_where_it_names_what_was_grasped() -> None:
    settings = DemonstrationSettings("language", "validate", image_hz=1.0)
    said = []
    for number in (2, 3):
        suite, scene = suite_named(settings.suite), settings.scene(number)
        rig = lay_out(suite, scene)
        instruction = instruct(suite, scene, rig.truth.position_m(rig.data), LEARNING_GRAMMAR)
        rig.close()
        meant = instruction is not None and instruction.target == scene.target
        said.append(demonstration(settings, number).notes[0]["instruction"])
        assert said[-1] == (instruction.text if instruction is not None and meant else None)
    assert said[0] is not None and said[1] is None


def test_a_demonstration_follows_from_its_number(shown: Shard) -> None:
    again = demonstration(DemonstrationSettings("large", "validate", image_hz=HZ), 9)
    assert all(np.array_equal(shown.arrays[name], again.arrays[name]) for name in DEMONSTRATIONS.fields)


@pytest.mark.parametrize(("options", "said"), [({"suite": "heap"}, "no suite"), ({"image_hz": 501.0}, "at most 500")])
def test_impossible_settings_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        DemonstrationSettings(**({"suite": "pile"} | options))  # type: ignore[arg-type]
