"""Objects to grasp: which ones there are, who may see which, and their shapes as convex pieces."""
