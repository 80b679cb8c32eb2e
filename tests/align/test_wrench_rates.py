"""Sensors of 50 Hz to 8 kHz are felt over the whole of every window; what is too sparse for that is absent."""

from __future__ import annotations

import numpy as np
import pytest

from autoglm_embodied.align.aligner import Aligner
from autoglm_embodied.align.settings import AlignSettings
from autoglm_embodied.types import ForceFeatures

MS = 1_000_000
S = 1_000 * MS
EPOCH = 1_700_000_000 * S
SLOPE_N_S = 5.0


def felt(hz: float, hole_ms: int = 0, aligner: Aligner | None = None) -> tuple[ForceFeatures | None, str]:
    """After a tare 0.7 s of a force that grows by SLOPE_N_S, which a hole ends, and why there is none."""
    aligner, period_ns = aligner or Aligner(AlignSettings(), lambda _: np.eye(4)), round(S / hz)
    for k in range(round(1.4 * hz)):
        t_ns = k * period_ns
        ramp_n = max(t_ns - 700 * MS, 0) / 1e9 * SLOPE_N_S + 1e-9 * (k % 3)
        if not 1_200 * MS - hole_ms * MS < t_ns < 1_200 * MS:
            aligner.push_wrench(EPOCH + t_ns, t_ns, np.array([ramp_n, 0, 0, 0, 0, 0]))
        aligner.push_joints(EPOCH + t_ns, t_ns, np.full(9, 0.04), np.zeros(9))
        if t_ns >= 690 * MS > t_ns - period_ns:
            aligner.tare(EPOCH + t_ns, t_ns)
        if t_ns // (33 * MS) != (t_ns - period_ns) // (33 * MS):
            force = aligner.observe(EPOCH + t_ns, t_ns).force
    return force.value, aligner.absences().get("force", "")


@pytest.mark.parametrize("hz", [50.0, 62.5, 100.0, 120.0, 125.0, 200.0, 1000.0, 4000.0, 8000.0])
def test_every_window_is_whole_at_any_rate(hz: float) -> None:
    features, absence = felt(hz)
    assert features is not None, absence
    assert features.samples_used == pytest.approx(0.512 * hz, abs=1)
    assert features.raw.shape == (64, 6) and (np.diff(features.raw[:, 0]) > 0).all()
    np.testing.assert_allclose(features.pyramid[-1, 4, 0], SLOPE_N_S, rtol=1e-3)
    latest_n = features.pyramid[-1, 3, 0]
    assert features.raw[-1, 0] == pytest.approx(latest_n) and latest_n > 3.2


@pytest.mark.parametrize(("hz", "said"), [(62.5, "force is coarse: 16 ms between wrenches"), (125.0, ""), (1000.0, "")])
def test_the_resolution_is_told_and_called_coarse_where_samples_are_interpolated(hz: float, said: str) -> None:
    aligner = Aligner(AlignSettings(), lambda _: np.eye(4))
    assert aligner.force_resolution_ns() == 0 and aligner.coarse_force() == ""
    felt(hz, aligner=aligner)
    assert aligner.force_resolution_ns() == pytest.approx(S / hz, rel=1e-3)
    assert aligner.coarse_force().startswith(said) and bool(aligner.coarse_force()) == bool(said)
    aligner.observe(EPOCH + 10 * S, 10 * S)
    assert aligner.force_resolution_ns() == 0 and aligner.coarse_force() == ""


@pytest.mark.parametrize(("hz", "hole_ms", "absent"), [(100.0, 45, False), (100.0, 70, True), (15.0, 0, True)])
def test_slow_samples_are_not_interpolated_across_a_hole(hz: float, hole_ms: int, absent: bool) -> None:
    if hz > 20:
        features, absence = felt(hz, hole_ms)
        assert (features is None) == absent and absence.startswith("short" if absent else "")
    else:
        with pytest.raises(Exception, match="let the sensor publish faster"):
            felt(hz)
