"""Episodes of policies in suites, judged by the simulator, and their statistics."""
