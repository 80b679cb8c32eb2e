"""Benchmarks that need the simulator: its own speed, the governor's limits and the guard's, a long run over DDS."""
