"""The command `autoglm` and what it runs; no other room imports it."""
