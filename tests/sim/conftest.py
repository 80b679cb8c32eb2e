from __future__ import annotations

from collections.abc import Iterator

import pytest
from autoglm_embodied_sim.robots.arm_rig import ArmRig


@pytest.fixture(scope="session")
def rig() -> Iterator[ArmRig]:
    rig = ArmRig(seed=0)
    yield rig
    rig.close()
