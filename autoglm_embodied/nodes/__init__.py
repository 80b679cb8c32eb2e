"""Thin ROS 2 nodes around the rooms; nothing else here knows ROS."""
