"""Nodes that `autoglm bench` and `autoglm doctor` start to measure a graph; none belongs to a robot."""
