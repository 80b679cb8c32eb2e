"""Baselines, from weak to strong, and the privileged expert."""
