"""Collected data on disk: schemas, shards with checksums, and collecting that survives a kill."""
