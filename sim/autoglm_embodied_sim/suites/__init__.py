"""The tasks that policies are measured on: frozen settings, and scenes that follow from a seed."""
