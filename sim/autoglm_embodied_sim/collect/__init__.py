"""Demonstrations and outcomes of grasps for training."""
