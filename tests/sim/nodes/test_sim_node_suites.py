"""The simulator's node with the scenes of a suite: another model after each reset, and topics that go on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sim_listener import RATES_HZ, served

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:module 'sre_.*' is deprecated")]  # rclpy's parser


def test_each_reset_brings_the_scene_of_the_next_seed_and_the_sensors_go_on() -> None:
    with served("-p", "suite:=separated", "-p", "objects:=validate", "-p", "seed:=3") as (listener, _):
        first, second = listener.call("sim/reset"), listener.call("sim/reset")
        assert (first["seed"], second["seed"]) == (3, 4)
        assert first["objects"] != second["objects"]
        for scene in (first, second):
            assert len(scene["objects"]) == 5
            assert scene["kind"] in ("one", None) and len(scene["instruction"].split()) > 2
            assert np.abs([obj["position_m"] for obj in scene["objects"]]).max() < 0.3
        begun = {name: len(stamps) for name, stamps in listener.stamps.items()}
        listener.simulate(1.0)
        assert all(len(listener.stamps[name]) > begun[name] for name in RATES_HZ)
        answer = listener.call("sim/judge")
        assert answer["held"] == [] and [obj["held"] for obj in answer["objects"]] == [False] * 5


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (("suite:=heap",), "there is no suite 'heap'"),
        (("suite:=pile", "objects:=all"), "objects come from test"),
        (("count:=7",), "there are 6 colours"),
        (("count:=-1",), "count of sim_node must be from 0 to 100"),
    ],
)
def test_an_impossible_suite_ends_it_with_one_sentence(
    refusal: Callable[..., str], parameters: tuple[str, ...], said: str
) -> None:
    from autoglm_embodied_sim.nodes import sim_node

    sentence = refusal(sim_node.main, *parameters)
    assert said in sentence and "Traceback" not in sentence
