"""The fusion node's sensor topics over DDS: it asks for what is offered, and says what is wrong and what to do."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from autoglm_embodied_interfaces.msg import WrenchBatch
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Wrench, WrenchStamped
from node_graph import Graph
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, JointState
from std_msgs.msg import String

from autoglm_embodied.config import shipped
from autoglm_embodied.kinematics import Robot

pytestmark = pytest.mark.slow
ROBOT = Robot.from_file(shipped("panda.yaml"))
WRENCH = "force_torque_sensor_broadcaster/wrench"
BATCH = "force_torque_sensor_broadcaster/wrench_batch"
JOINTS = [*ROBOT.joint_names, *ROBOT.finger_joint_names]
IN_A_BATCH = 10
QUIET = PublisherEventCallbacks(use_default_callbacks=False)  # rclpy's own warn in a deprecated way


@pytest.fixture(scope="module")
def told(graph: Graph, checkpoint: Path) -> list[Any]:
    """The diagnostics of a fusion node of its own."""
    arrays = graph.collect(DiagnosticArray, "diagnostics")
    patient = [f"align.{sense}_limit_ns:=500000000" for sense in ("force", "joints")]  # a busy machine sends in bursts
    settings = (f"checkpoint:={checkpoint}", "topics.depth:=/not/a/depth", *patient)
    graph.start("autoglm_embodied.nodes.fusion_node", *settings)
    graph.until(lambda: bool(of_fusion(arrays)) and "rgb_hz" in of_fusion(arrays)[-1][1], "the node is heard of")
    return arrays


def of_fusion(arrays: list[Any]) -> list[tuple[str, dict[str, str]]]:
    """What is wrong and the values of all items, oldest first."""
    told = []
    for diagnostics in arrays:
        items = [status for status in diagnostics.status if status.name.startswith("fusion_node: ")]
        values = {pair.key: pair.value for status in items for pair in status.values}
        told += [(". ".join(status.message for status in items), values)] if items else []
    return told


def says(arrays: list[Any], *parts: str) -> Callable[[], bool]:
    return lambda: all(part in of_fusion(arrays)[-1][0] for part in parts)


def asked(graph: Graph, topic: str) -> QoSProfile | None:
    found = [
        info.qos_profile
        for info in graph.node.get_subscriptions_info_by_topic(topic)
        if info.node_name == "fusion_node"
    ]
    return found[0] if found else None


def test_what_nobody_publishes_is_named_with_the_cure(graph: Graph, told: list[Any]) -> None:
    wrench = "no wrench: nobody publishes force_torque_sensor_broadcaster/wrench; start the driver"
    graph.until(says(told, wrench, "name its topic in topics.wrench", "no rgb:", "no joints:"), "all are named")


def test_a_topic_of_another_type_is_named_with_what_it_must_be(graph: Graph, told: list[Any]) -> None:
    graph.node.create_publisher(String, "/not/a/depth", 1)
    sentence = "tester publishes /not/a/depth as std_msgs/msg/String, it must be sensor_msgs/msg/Image"
    others = " or sensor_msgs/msg/CompressedImage or sensor_msgs/msg/PointCloud2; "
    graph.until(says(told, sentence + others, "name the right topic in topics.depth"), "the type is named")


@pytest.mark.parametrize("reliability", [ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT])
@pytest.mark.parametrize("durability", [DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL])
def test_joint_states_are_heard_and_asked_for_as_they_are_offered(
    graph: Graph, told: list[Any], reliability: ReliabilityPolicy, durability: DurabilityPolicy
) -> None:
    qos = QoSProfile(depth=50, reliability=reliability, durability=durability)
    publisher = graph.node.create_publisher(JointState, "joint_states", qos, event_callbacks=QUIET)
    state = JointState(name=JOINTS, position=[0.0] * len(JOINTS), velocity=[0.0] * len(JOINTS))

    def publish() -> None:
        state.header.stamp = graph.node.get_clock().now().to_msg()
        publisher.publish(state)

    def fits() -> bool:
        wanted = asked(graph, "joint_states")
        return wanted is not None and (wanted.reliability, wanted.durability) == (reliability, durability)

    timer = graph.node.create_timer(0.01, publish)
    before = int(of_fusion(told)[-1][1]["joints_received"])
    graph.until(lambda: fits() and int(of_fusion(told)[-1][1]["joints_received"]) > before + 20, "they are heard")
    graph.until(says(told, "joints is slow: ", "or joints_hz to what it sends"), "that they are slow is named")
    graph.node.destroy_timer(timer)
    graph.node.destroy_publisher(publisher)
    graph.until(lambda: not graph.node.get_publishers_info_by_topic("joint_states"), "the publisher is gone")
    graph.until(says(told, "no joints: nobody publishes"), "it is named as gone")


def test_batches_are_felt_and_a_bad_sample_is_counted_named_and_does_not_end_the_stream(
    graph: Graph, told: list[Any]
) -> None:
    publisher = graph.node.create_publisher(WrenchBatch, BATCH, QoSProfile(depth=50))

    def publish(last: float = 0.0) -> None:
        now = graph.node.get_clock().now().to_msg()
        batch = WrenchBatch(wrenches=[Wrench() for _ in range(IN_A_BATCH)])
        batch.header.stamp, batch.header.frame_id = now, ROBOT.wrench_frame
        batch.stamps = [type(now)(sec=now.sec, nanosec=max(now.nanosec - (9 - k) * 1000, 0)) for k in range(IN_A_BATCH)]
        batch.wrenches[-1].force.z = last
        publisher.publish(batch)

    timer = graph.node.create_timer(0.02, publish)
    graph.until(lambda: int(of_fusion(told)[-1][1]["wrench_received"]) > 50 * IN_A_BATCH, "samples are counted")
    publish(float("nan"))
    before = len(of_fusion(told))
    graph.until(lambda: of_fusion(told)[-1][1].get("wrench_refused") == "1", "the bad one is counted")
    refusal = "1 of wrench refused: wrench must be finite"
    graph.until(lambda: any(refusal in wrong for wrong, _ in of_fusion(told)[before:]), "it is named")
    graph.until(lambda: not says(told, refusal)(), "which is over after a while")
    after = int(of_fusion(told)[-1][1]["wrench_received"])
    graph.until(lambda: int(of_fusion(told)[-1][1]["wrench_received"]) > after + 20 * IN_A_BATCH, "the stream goes on")
    graph.node.destroy_timer(timer)


def test_an_image_of_another_type_is_subscribed_to_as_it_is_published(graph: Graph, told: list[Any]) -> None:
    """A JPEG instead of an image, on a topic whose name does not say so."""
    publisher = graph.node.create_publisher(CompressedImage, "camera/color/image_raw", 5, event_callbacks=QUIET)
    message = CompressedImage(format="jpeg", data=array("B", b"\xff\xd8 no picture"))

    def publish() -> None:
        message.header.stamp = graph.node.get_clock().now().to_msg()
        publisher.publish(message)

    timer = graph.node.create_timer(0.03, publish)
    graph.until(lambda: int(of_fusion(told)[-1][1]["rgb_received"]) > 20, "they are counted")
    graph.node.destroy_timer(timer)
    graph.node.destroy_publisher(publisher)


def test_a_slow_wrench_is_felt_and_its_resolution_told(graph: Graph, told: list[Any]) -> None:
    states = graph.node.create_publisher(JointState, "joint_states", 5, event_callbacks=QUIET)
    wrenches = graph.node.create_publisher(WrenchStamped, WRENCH, 5, event_callbacks=QUIET)
    state, wrench = (
        JointState(name=JOINTS, position=[0.04] * len(JOINTS), velocity=[0.0] * len(JOINTS)),
        WrenchStamped(),
    )
    wrench.header.frame_id = ROBOT.wrench_frame

    def publish() -> None:
        state.header.stamp = wrench.header.stamp = graph.node.get_clock().now().to_msg()
        wrench.wrench.force.x = 1e-3 * (wrench.header.stamp.nanosec % 7)
        states.publish(state)
        wrenches.publish(wrench)

    timer = graph.node.create_timer(0.016, publish)
    graph.until(says(told, "force is coarse: ", "ms between wrenches, a shorter contact may be missed"), "it is told")
    graph.until(lambda: 10 < float(of_fusion(told)[-1][1]["force_resolution_ms"]) < 50, "as what is sent")
    graph.node.destroy_timer(timer)
    graph.node.destroy_publisher(states)
    graph.node.destroy_publisher(wrenches)
