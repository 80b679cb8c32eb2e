"""Suites, and their scenes as functions of a seed: objects, where they lie, what surrounds them."""
