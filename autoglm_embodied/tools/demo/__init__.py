"""The demo: real processes over a private ROS graph, from a spoken sentence to a held object."""
