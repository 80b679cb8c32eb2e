"""A policy that is shown the simulator's state: how well could be grasped at best, and whom learners learn from."""
