"""Grasping unknown objects: a hand over a table, where it may close, and the scripts that look, come down and feel."""
