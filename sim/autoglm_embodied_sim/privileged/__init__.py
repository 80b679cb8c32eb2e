"""A policy that is shown the simulator's state: the ceiling of what can be grasped, and the teacher of those that learn."""
