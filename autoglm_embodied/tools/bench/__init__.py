"""Benchmarks: cost, losses and errors of the parts, a module for each `autoglm bench`."""
