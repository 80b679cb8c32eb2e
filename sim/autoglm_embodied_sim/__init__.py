"""A simulated Panda with camera, wrist sensor and a table of things to grasp."""
