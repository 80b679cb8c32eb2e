"""The costs of a network: each has its figure, and a GPU that is not there is said to be so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from autoglm_embodied.model.build import build_model, grasp_config
from autoglm_embodied.tools.bench.model import example, operations_of_reading
from autoglm_embodied.tools.cli import main


def test_every_figure_is_there_and_what_needs_a_gpu_is_skipped_without_one(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    assert main(["bench", "model", "--passes", "3", "--json", str(path)]) == 0
    report = json.loads(path.read_text())
    rows = {(row["figure"], row["case"], row["stat"]): row["value"] for row in report["rows"]}
    parameters = sum(part.numel() for part in build_model(grasp_config()).parameters())
    assert rows["model.parameters", None, None] == parameters and rows["model.bytes", None, None] >= 4 * parameters
    for figure in ("model.frame_to_command_ms", "model.fuse_act_ms"):
        assert 0 < rows[figure, "cpu", "p50"] <= rows[figure, "cpu", "p99"]
    assert rows["model.tick_hz", "cpu", None] > 0
    assert (("model.fuse_act_ms", "cuda_graph", "p50") in rows) == torch.cuda.is_available()
    skipped = [one["why"] for one in report["skipped"]]
    assert torch.cuda.is_available() or skipped == ["torch finds no CUDA device on this machine"]


@pytest.mark.parametrize("size", ["nano", "base"])
def test_operations_of_full_attention_grow_with_the_image_and_those_of_queries_hardly(size: str) -> None:
    small, large = (
        operations_of_reading(build_model(grasp_config(size, image_height=height, image_width=288)).eval())
        for height in (108, 216)
    )
    assert large["full"] > 1.8 * small["full"] and large["full"] > 4 * large["queries"]
    assert large["queries"] - small["queries"] < 0.3 * (large["full"] - small["full"])


def test_the_example_has_every_sense_and_the_model_is_left_in_inference_mode() -> None:
    model = build_model(grasp_config()).eval()
    operations_of_reading(model)
    assert not model.training
    batch, image = example(model)
    assert batch.present.all() and torch.isfinite(batch.visual).all() and image.shape[0] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--device", "tpu"], "device must be auto, cpu or cuda, got 'tpu'"),
        (["--size", "huge"], "there is no model of size 'huge'; choose from nano, base"),
        (["--passes", "0"], "--passes must be 1 or more, got 0"),
        (["--checkpoint", "absent"], "no checkpoint in absent"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "model", *arguments]) == 2
    assert said in capsys.readouterr().err
