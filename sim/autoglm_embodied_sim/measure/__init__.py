"""Episodes of the suites, and the simulator's verdict on them."""
