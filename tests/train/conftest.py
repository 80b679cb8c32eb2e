"""Two tiny collections: of a suite on the gantry, and of primitives on the arm."""

from __future__ import annotations

from pathlib import Path

import pytest
from autoglm_embodied_sim.collect.collection import Collection
from tiny_collection import collect


@pytest.fixture(scope="session")
def suite_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collect(Collection("separated", episodes=2, image_hz=10.0), tmp_path_factory.mktemp("suite"))


@pytest.fixture(scope="session")
def primitives_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collect(Collection(episodes=2, images=1, seed=3), tmp_path_factory.mktemp("primitives"))
