"""Faults of sensors, messages and processes as data, what they do to a stream, and what came of one."""
