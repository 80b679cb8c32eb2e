"""What Gazebo 11 gives and takes over the topics of a robot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from autoglm_embodied_sim.gazebo.world import resting_m, scene_model
from autoglm_embodied_sim.scenes.scene import sample_grasp_scene
from autoglm_embodied_sim.scenes.suite import suite_named
from autoglm_embodied_sim.sensors.camera import CameraSettings
from gazebo_graph import GazeboGraph, gazebo_graph, require_pace
from gazebo_server import why_not
from sim_listener import Listener

from autoglm_embodied.config import shipped
from autoglm_embodied.ingest.cdr import RawImage, read_image
from autoglm_embodied.ingest.image_encodings import depth_array_m, rgb_array
from autoglm_embodied.kinematics import Robot, forward_kinematics
from autoglm_embodied.types import FloatArray

pytestmark = [
    pytest.mark.gazebo,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.filterwarnings("ignore:module 'sre_.*' is deprecated"),  # rclpy's parser
    pytest.mark.timeout(400),
]
ROBOT = Robot.from_file(shipped("panda.yaml"))
SCENE = sample_grasp_scene(suite_named("primitives"), (), 0)
GRAVITY_M_S2 = 9.81
HOMING_S = 20.0
RATES_HZ = {
    "rgb": (27.0, 31.5),
    "depth": (27.0, 31.5),
    "info": (27.0, 31.5),
    "wrench": (900.0, 1001.0),
    "joints": (200.0, 251.0),
}
"""At least and at most: a busy machine loses some."""
WINDOWS = 5


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GazeboGraph]:
    with gazebo_graph(SCENE, {"servo_node": []}, tmp_path_factory.mktemp("gazebo")) as made:
        yield made


@pytest.fixture(scope="module")
def listener(graph: GazeboGraph) -> Iterator[Listener]:
    """Hears every topic; the arm is at home, at rest."""
    made = Listener(graph.domain)
    try:
        for _ in range(round(HOMING_S / 0.5)):
            made.spin(0.5, graph.check)
            if len(made.last) == len(made.stamps) and np.abs(arm_rad(made) - np.array(ROBOT.home_rad)).max() < 0.02:
                break
        made.simulate(1.0)
        yield made
    finally:
        made.close()


def arm_rad(listener: Listener) -> FloatArray:
    return np.array(listener.last["joints"].position[: ROBOT.joints])


def test_the_arm_is_home_before_anyone_asks(listener: Listener) -> None:
    np.testing.assert_allclose(arm_rad(listener), ROBOT.home_rad, atol=0.01)


def test_topics_come_at_their_rates(graph: GazeboGraph, listener: Listener) -> None:
    began_s, began_sim_s = time.monotonic(), graph.watch.time_s
    best = dict.fromkeys(RATES_HZ, 0.0)
    for _ in range(WINDOWS):  # other programs may hold one up
        for name, rate_hz in rates_hz(listener, 3.0).items():
            best[name] = max(best[name], rate_hz)
        if all(best[name] > least_hz for name, (least_hz, _) in RATES_HZ.items()):
            break
    else:
        require_pace((graph.watch.time_s - began_sim_s) / (time.monotonic() - began_s))
    print({name: round(rate_hz, 1) for name, rate_hz in best.items()})
    for name, (least_hz, most_hz) in RATES_HZ.items():
        assert least_hz < best[name] < most_hz, name


def rates_hz(listener: Listener, seconds: float) -> dict[str, float]:
    """Of each topic, by the stamps of so much simulated time."""
    begun = {name: len(stamps) for name, stamps in listener.stamps.items()}
    listener.simulate(seconds)
    spans = {name: np.array(stamps[begun[name] :]) for name, stamps in listener.stamps.items()}
    return {name: float((len(stamps_ns) - 1) / np.ptp(stamps_ns) * 1e9) for name, stamps_ns in spans.items()}


def test_images_share_stamp_frame_and_the_settings_intrinsics(listener: Listener) -> None:
    rgb, depth, info = (listener.last[name] for name in ("rgb", "depth", "info"))
    assert (rgb.width, rgb.height, rgb.encoding) == (640, 480, "rgb8")
    assert (depth.width, depth.height, depth.encoding) == (640, 480, "16UC1")
    assert rgb.header.frame_id == depth.header.frame_id == info.header.frame_id == "camera_color_optical_frame"
    assert np.allclose(info.k, CameraSettings.from_file().camera(640, 480).K.ravel())


def raw_image(listener: Listener, stream: str) -> RawImage:
    from rclpy.serialization import serialize_message

    return read_image(bytes(serialize_message(listener.last[stream])))


def points_m(listener: Listener) -> FloatArray:
    """(480, 640, 3) what the depth camera sees, in the base frame."""
    camera = CameraSettings.from_file().camera(640, 480)
    depth_m = np.asarray(depth_array_m(raw_image(listener, "depth")), float)
    rows, columns = np.mgrid[:480, :640]
    rays = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ np.linalg.inv(camera.K).T
    seen = rays * depth_m[..., None]
    return np.asarray(seen @ camera.T_base_camera[:3, :3].T + camera.T_base_camera[:3, 3])


def test_depth_of_the_table_is_where_the_table_is(listener: Listener) -> None:
    at_m = points_m(listener)
    table = (np.abs(at_m[..., 1]) > 0.3) & (np.abs(at_m[..., 0] - 0.4) < 0.15)  # beside the mat
    assert table.sum() > 3000
    heights_m = at_m[..., 2][table]
    assert abs(np.median(heights_m)) < 0.001 and np.percentile(np.abs(heights_m), 95) < 0.003


def test_objects_are_seen_where_they_are_and_in_their_colour(listener: Listener) -> None:
    at_m, rgb = points_m(listener), np.asarray(rgb_array(raw_image(listener, "rgb")), float)
    for index, obj in enumerate(SCENE.objects):
        size_m = obj.shape.extent_m[0]
        near = np.linalg.norm(at_m[..., :2] - resting_m(SCENE, index)[:2], axis=-1) < 0.6 * size_m
        mine = near & (at_m[..., 2] > 0.3 * size_m)
        assert mine.sum() > 100, obj.name
        top_m = np.percentile(at_m[..., 2][mine], 98)
        assert top_m == pytest.approx(size_m, abs=0.003), obj.name
        shade = rgb[mine].mean(axis=0) / rgb[mine].mean(axis=0).max()
        wanted = np.array(obj.rgb) / max(obj.rgb)
        assert np.abs(shade - wanted).max() < 0.1, obj.name


def test_the_wrist_feels_exactly_the_hand(listener: Listener) -> None:
    from geometry_msgs.msg import WrenchStamped

    from autoglm_embodied.ros.polled_subscription import PolledSubscription
    from autoglm_embodied.ros.qos import FAST

    forces: list[tuple[float, float, float]] = []
    topic = "force_torque_sensor_broadcaster/wrench"

    def take(message: WrenchStamped) -> None:
        assert message.header.frame_id == ROBOT.wrench_frame
        forces.append((message.wrench.force.x, message.wrench.force.y, message.wrench.force.z))

    subscription = PolledSubscription(listener.node, WrenchStamped, topic, take, FAST)
    listener.simulate(1.0, subscription.poll)
    subscription.destroy()
    model = scene_model(SCENE, CameraSettings.from_file())
    weight_n = GRAVITY_M_S2 * sum(model.body(name).mass[0] for name in ("hand", "left_finger", "right_finger"))
    assert len(forces) > 100
    rotation = forward_kinematics(ROBOT, arm_rad(listener))[:3, :3]
    felt_n = rotation @ np.mean(forces, axis=0)  # base frame
    np.testing.assert_allclose(felt_n, [0, 0, -weight_n], atol=0.03)


def test_gazebo_has_the_hand_where_the_joint_states_say(graph: GazeboGraph, listener: Listener) -> None:
    tool = forward_kinematics(ROBOT, arm_rad(listener))
    hand_m = tool[:3, 3] - 0.1034 * tool[:3, 2]
    np.testing.assert_allclose(graph.watch.position_m["panda::panda_hand"], hand_m, atol=0.001)


def test_a_twist_moves_the_tool_that_way_and_silence_stops_it(listener: Listener) -> None:
    start_m = forward_kinematics(ROBOT, arm_rad(listener))[:3, 3]
    listener.simulate(1.5, lambda: listener.push(0.1))
    listener.simulate(0.5)
    stopped_m = forward_kinematics(ROBOT, arm_rad(listener))[:3, 3]
    moved_m = stopped_m - start_m
    assert moved_m[1] == pytest.approx(0.155, abs=0.02)  # it goes on for the tenth of a second of its timeout
    assert np.abs(moved_m[[0, 2]]).max() < 0.004
    listener.simulate(1.0)
    assert np.linalg.norm(forward_kinematics(ROBOT, arm_rad(listener))[:3, 3] - stopped_m) < 5e-4


def test_all_of_it_ends_when_asked_and_nothing_is_left(tmp_path: Path) -> None:
    with gazebo_graph(SCENE, {"servo_node": []}, tmp_path) as made:
        made.watch.await_home()  # so the servo node is up: the arm alone would sink
        inside = psutil.Process(made.server.pid).children(recursive=True)
        assert any(process.name() == "gzserver" for process in inside)
    assert all(ended.clean for ended in made.ended), made.ended
    _, alive = psutil.wait_procs(inside, timeout=10)
    assert alive == []
