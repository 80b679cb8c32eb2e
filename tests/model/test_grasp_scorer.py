"""The scorer of grasps: what it is shown, and that it reads no checkpoint but its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from autoglm_embodied.errors import CheckpointError
from autoglm_embodied.model.build import build_scorer
from autoglm_embodied.model.checkpoint import SHIPPED, load, load_scorer
from autoglm_embodied.model.grasp_scorer import GraspScorer, GraspView

SMALL = {"stem": (4, 4, 4, 4), "width": 8}


@pytest.fixture(scope="module")
def scorer() -> GraspScorer:
    torch.manual_seed(0)
    return build_scorer(**SMALL).eval()


@pytest.fixture(scope="module")
def saved(scorer: GraspScorer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scorer")
    scorer.save_pretrained(folder)
    return folder


def view(opening_m: float, count: int = 3) -> GraspView:
    height_m, target, seen = (torch.rand(count, 48, 48, generator=torch.Generator().manual_seed(1)) for _ in range(3))
    return GraspView(height_m, target, seen, torch.tensor([[0.02, opening_m, 20.0]]).expand(count, -1))


def test_the_fingers_are_shown_where_the_hand_comes_down(scorer: GraspScorer) -> None:
    pixel_m = scorer.config.pixel_m
    rows, columns = torch.nonzero(scorer.channels(view(0.06))[0, 2], as_tuple=True)
    along_m, across_m = ((index - 23.5).abs() * pixel_m for index in (rows, columns))
    assert 0.030 <= along_m.min() < along_m.max() <= 0.046 and across_m.max() <= 0.0105


def test_opening_weight_and_friction_matter(scorer: GraspScorer) -> None:
    hidden = torch.tensor([[0.2, 0.5], [0.5, 0.5], [0.2, 0.3]])
    narrow, wide = (scorer(view(opening_m), hidden).logits for opening_m in (0.04, 0.08))
    assert not narrow.equal(wide)
    same = scorer(view(0.04, 1)._replace(hand=view(0.04).hand[:1]), hidden[:1]).logits
    assert narrow.shape == (3, 4) and torch.allclose(narrow[0], same[0], atol=1e-5)
    features = scorer.encode(view(0.04))[:1].expand(3, -1)
    assert len({tuple(row.tolist()) for row in scorer.outcomes(features, hidden).logits}) == 3


def test_a_scorer_is_read_as_it_was_written(scorer: GraspScorer, saved: Path) -> None:
    read = load_scorer(saved, "cpu")
    assert all(value.equal(read.state_dict()[name]) for name, value in scorer.state_dict().items())
    assert not read.training


def changed_config(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (
            lambda folder: (folder / "model.safetensors").unlink(),
            "model.safetensors is missing; train one or use grasp_",
        ),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"pickle"), "cannot read the checkpoint in"),
        (lambda folder: changed_config(folder, width=16), "of another version of the model .* do not fit"),
        (lambda folder: changed_config(folder, pixels=47), "pixels must be a multiple of 8, got 47"),
        (
            lambda folder: changed_config(folder, pixel_m=0.004),
            r"takes crops of \(48, 0.004\) .* but this version cuts",
        ),
        (lambda folder: changed_config(folder, model_type="bert"), "its model_type is bert, not autoglm_grasp_scorer"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(
    spoil: Callable[[Path], object], said: str, saved: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(saved, tmp_path / "spoilt")
    spoil(folder)
    with pytest.raises(CheckpointError, match=said) as error:
        load_scorer(folder, "cpu")
    assert "\n" not in str(error.value)


def test_policy_and_scorer_are_not_taken_for_each_other(saved: Path) -> None:
    with pytest.raises(CheckpointError, match="its model_type is autoglm_grasp, not autoglm_grasp_scorer"):
        load_scorer(SHIPPED, "cpu")
    with pytest.raises(CheckpointError, match="its model_type is autoglm_grasp_scorer, not autoglm_grasp"):
        load(saved, "cpu")
