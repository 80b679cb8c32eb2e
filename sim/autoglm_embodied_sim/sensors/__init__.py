"""Simulated sensors: cameras, wrist and encoders, with rate, latency, noise and loss."""
