"""Quality of service of every topic, in one place."""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from autoglm_embodied.ingest.rgbd_frames import MAX_UNPAIRED

# Wrench and joint states at 1 kHz: a lost one is not sent again. Fast DDS keeps 400 of them at most.
FAST = QoSProfile(depth=1000, reliability=ReliabilityPolicy.BEST_EFFORT)
# Camera images and their intrinsics: a second of them, for a machine that has other things to do.
FRAMES = QoSProfile(depth=MAX_UNPAIRED, reliability=ReliabilityPolicy.BEST_EFFORT)
EVENTS = QoSProfile(depth=10)  # voice commands, states, diagnostics: none may be lost
COMMANDS = QoSProfile(depth=1)  # twists and gripper widths: only the newest counts
# For the one who must know whether several command at once; few, for a flood of them must not cost it its period.
NEWEST_OF_ALL = QoSProfile(depth=4)
# Of a fast topic, for a slow loop: more than one, as arm and gripper may each publish their own joints there.
NEWEST = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
# What holds until it changes, such as a stop: whoever joins later is told, too.
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
