"""The baselines as policies of the fusion node: entry points of the group autoglm.policies."""

from __future__ import annotations

from functools import partial

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import Image

from autoglm_embodied.grasping.scripted_policy import PATIENCE_S, ScriptedPolicy
from autoglm_embodied.ingest.cdr import read_image
from autoglm_embodied.ros.parameters import parameter, value
from autoglm_embodied.ros.qos import FRAMES
from autoglm_embodied_sim.nodes.publishers import ABOUT_MASKS, MASK_TOPIC
from autoglm_embodied_sim.policies.baselines import baseline_named
from autoglm_embodied_sim.robots.arm import WORKPLACE

TOPIC = "topics.object_mask"


class BaselinePolicy(ScriptedPolicy):
    """A baseline that is told by the simulator's node which pixels are the named object's."""

    def __init__(self, node: Node, name: str) -> None:
        """Subscribe to the simulator's masks.

        Args:
            node: the fusion node.
            name: of the baseline.
        """
        super().__init__(partial(baseline_named, name), WORKPLACE, PATIENCE_S)
        self._node = node
        declared = node.has_parameter(TOPIC)  # when the node was configured before
        topic = value(node, TOPIC) if declared else parameter(node, TOPIC, MASK_TOPIC, ABOUT_MASKS)
        self._masks = node.create_subscription(Image, topic, self._on_mask, FRAMES, raw=True)

    def close(self) -> None:
        """Unsubscribe, and end the script."""
        self._node.destroy_subscription(self._masks)
        super().close()

    def _on_mask(self, data: bytes) -> None:
        image = read_image(data)
        self.push_mask(image.stamp_ns, np.frombuffer(image.data, np.uint8).reshape(image.height, image.width))
