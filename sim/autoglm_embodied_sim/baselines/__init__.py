"""Scripts that grasp, to measure learned policies against. They are told by the simulator which pixels are whose."""
