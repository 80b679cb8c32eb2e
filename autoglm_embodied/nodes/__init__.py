"""Thin ROS 2 nodes around the rooms; nothing else here knows ROS."""

import os

# Before numpy comes: the matrices of a node are small, and threads that spin for more take the cores of other nodes.
os.environ.setdefault("OMP_NUM_THREADS", "1")
