"""Two tiny collections: of a suite on the gantry, and of primitives on the arm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from autoglm_embodied_sim.collect import primitive_samples
from autoglm_embodied_sim.collect.collection import Collection

from autoglm_embodied.data.collection import collect_shard

Collect = Callable[[Collection, Path], Path]


def collected(collection: Collection, out: Path) -> Path:
    """All shards, in this process; of primitives, of fewer scenes and samples each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(primitive_samples, "SCENES_PER_UNIT", 4)
        patch.setattr(primitive_samples, "SAMPLE_TICKS", 12)
        for plan, make_unit in collection.plans(out):
            for index in range(plan.shards):
                collect_shard(plan, make_unit, index)
    return out


@pytest.fixture(scope="session")
def collect() -> Collect:
    return collected


@pytest.fixture(scope="session")
def suite_data(collect: Collect, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collect(Collection("separated", episodes=2, image_hz=3.0), tmp_path_factory.mktemp("suite"))


@pytest.fixture(scope="session")
def primitives_data(collect: Collect, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collect(Collection(episodes=2, images=1, seed=3), tmp_path_factory.mktemp("primitives"))
