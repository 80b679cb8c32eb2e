from __future__ import annotations

from dataclasses import replace

import numpy as np
from autoglm_embodied_sim.sensors.sensor import Moment, Shutter
from autoglm_embodied_sim.sensors.sensor_specs import Sensors, Timing

MS = 1_000_000
USUAL = Sensors.from_file()


def exposed(colour: Timing, depth: Timing, steps: int, seed: int = 0) -> list[tuple[int, Moment]]:
    """What arrives, and when [ms], where the configuration is the time in ms."""
    sensors = replace(USUAL, colour=replace(USUAL.colour, timing=colour), depth=replace(USUAL.depth, timing=depth))
    shutter, qpos = Shutter(sensors), np.zeros(1)
    shutter.restart(np.random.default_rng(seed), 0)
    arrived = []
    for step in range(1, steps + 1):
        qpos[:] = step
        arrived += [(step, moment) for moment in shutter.expose(step * MS, qpos)]
    return arrived


def test_cameras_alike_give_one_moment_for_both() -> None:
    arrived = exposed(USUAL.colour.timing, USUAL.depth.timing, 100)
    assert [step for step, _ in arrived] == [34, 67, 100]  # 30 Hz on whole milliseconds
    assert all(moment.colour and moment.depth for _, moment in arrived)


def test_a_late_camera_shows_the_moment_it_saw() -> None:
    arrived = exposed(Timing(50.0), Timing(50.0, latency_ns=120 * MS), 400)
    for step, moment in arrived:
        assert moment.qpos[0] == moment.stamp_ns / MS == step - (120 if moment.depth else 0)
        assert moment.colour is not moment.depth
    assert [sum(moment.colour for _, moment in arrived), sum(moment.depth for _, moment in arrived)] == [20, 14]


def test_colour_and_depth_are_lost_apart() -> None:
    arrived = exposed(Timing(100.0, dropout=0.5), Timing(100.0, dropout=0.5), 20_000)
    both = sum(moment.colour and moment.depth for _, moment in arrived)
    assert abs(both - 500) < 5 * np.sqrt(2000 * 0.25 * 0.75)
    assert abs(len(arrived) - 1500) < 5 * np.sqrt(2000 * 0.25 * 0.75)


def test_a_restart_forgets_the_moments_under_way() -> None:
    sensors = replace(USUAL, colour=replace(USUAL.colour, timing=Timing(100.0, latency_ns=50 * MS)))
    shutter = Shutter(sensors)
    shutter.restart(np.random.default_rng(0), 0)
    for step in range(1, 21):
        shutter.expose(step * MS, np.zeros(1))
    shutter.restart(np.random.default_rng(0), 20 * MS)
    stamps = [m.stamp_ns for step in range(21, 90) for m in shutter.expose(step * MS, np.zeros(1)) if m.colour]
    assert stamps[0] == 30 * MS


def test_forgetting_drops_what_is_under_way_and_keeps_the_beat() -> None:
    sensors = replace(USUAL, colour=replace(USUAL.colour, timing=Timing(100.0, latency_ns=50 * MS)))
    shutter = Shutter(sensors)
    shutter.restart(np.random.default_rng(0), 0)
    for step in range(1, 26):
        shutter.expose(step * MS, np.zeros(1))
    shutter.forget()
    stamps = [m.stamp_ns for step in range(26, 100) for m in shutter.expose(step * MS, np.zeros(1)) if m.colour]
    assert stamps[:2] == [30 * MS, 40 * MS]
