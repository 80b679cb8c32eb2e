"""Observation to ActionChunk. Wrappers that chunk or smooth are policies too."""
