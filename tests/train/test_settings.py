"""What training may be told, and that every modality is dropped at the rate of its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from autoglm_embodied.errors import ConfigError
from autoglm_embodied.tools.cli.train import DROP_RATES
from autoglm_embodied.train.imitation_stage import dropped
from autoglm_embodied.train.loop import TrainSettings, fast_in_bfloat16
from autoglm_embodied.types import MODALITIES


@pytest.mark.parametrize("modality", MODALITIES)
def test_every_modality_is_dropped_at_a_rate_of_its_own(modality: str) -> None:
    usual = TrainSettings()
    assert getattr(usual, f"drop_{modality}") == DROP_RATES[modality] > 0
    none = dict.fromkeys((f"drop_{name}" for name in MODALITIES), 0.0)
    settings = TrainSettings(**{**none, f"drop_{modality}": 0.3})
    left = dropped(10_000, np.asarray(settings.drop), np.random.default_rng(0)).float().mean(0).tolist()
    assert left == pytest.approx([0.7 if name == modality else 1.0 for name in MODALITIES], abs=0.02)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"drop_joints": 1.0}, "drop_joints must be 0 or more and below 1, got 1.0"),
        ({"size": "huge"}, "one of nano, base, got 'huge'"),
        ({"batch": 0}, "batch must be above 0"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        TrainSettings(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("able", ["amx_bf16", "avx512_bf16", "bf16", None])
def test_processors_without_bfloat16_are_not_made_to_emulate_it(
    able: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True} | ({able: True} if able else {}))
    assert fast_in_bfloat16("cpu") == (able is not None)
    assert fast_in_bfloat16("cuda")
