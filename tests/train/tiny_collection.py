"""Collecting in this process."""

from __future__ import annotations

from pathlib import Path

from autoglm_embodied.data.journal import write_one
from autoglm_embodied_sim.collect.collection import Collection


def collect(collection: Collection, out: Path) -> Path:
    """All shards, in this process."""
    out.mkdir(exist_ok=True)
    for plan, produce in collection.plans(out):
        for index in range(plan.shards):
            write_one(plan, produce, index)
    return out
