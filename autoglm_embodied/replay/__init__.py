"""Recordings through the same ingest, aligner and policy that a robot uses."""
