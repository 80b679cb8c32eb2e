"""The segmenter learns from labelled images, goes on where it was stopped, and sees the same in a mirror."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from autoglm_embodied.data.schemas import LABELLED_IMAGES, OUTCOMES
from autoglm_embodied.data.shards import Arrays, Shard, write_shard
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.model.build import build_segmenter
from autoglm_embodied.model.checkpoint import SHIPPED_SEGMENTER, load_segmenter
from autoglm_embodied.model.object_segmenter import PixelVotes, segmenter_input
from autoglm_embodied.tools.cli import main
from autoglm_embodied.train import segmentation_stage
from autoglm_embodied.train.loop import TrainSettings, train_segmenter
from autoglm_embodied.train.segmentation_stage import PARTS, SegmentationStage, noun_loss, segmentation_losses
from autoglm_embodied.train.shard_stage import shard_readers
from autoglm_embodied.vocabulary import NOUNS

SIDE, SCENES = 64, 12
DOWN = np.array([[1.0, 0, 0, 0.1], [0, -1, 0, 0.2], [0, 0, -1, 0.8], [0, 0, 0, 1]])
SETTINGS = TrainSettings(segmentation_epochs=2, batch=4, device="cpu")


def images(seed: int = 0) -> Arrays:
    """A red block on the left and a blue one on the right, 5 cm high."""
    rng, n = np.random.default_rng(seed), SCENES
    owner = np.full((n, SIDE, SIDE), -1, np.int8)
    rgb = rng.integers(120, 140, (n, SIDE, SIDE, 3), np.uint8)
    for index, (columns, colour) in enumerate(((slice(8, 24), (200, 20, 20)), (slice(40, 60), (20, 20, 200)))):
        owner[:, 20:40, columns], rgb[:, 20:40, columns] = index, colour
    labels = np.array([[0, 2, -1]] * n)
    return {
        "seed": np.arange(n) + 100 * seed,
        "rgb": rgb,
        "depth_mm": np.where(owner >= 0, 750, 800).astype(np.uint16),
        "owner": owner,
        "camera": np.tile([200.0, 200.0, 31.5, 31.5], (n, 1)),
        "T_base_camera": np.tile(DOWN, (n, 1, 1)),
        "colour": labels,
        "noun": np.zeros((n, 3, len(NOUNS)), np.int8),
        "size_m": np.full((n, 3, 2), 0.05, np.float32),
        "centre_m": np.full((n, 3, 3), 0.1, np.float32),
    }


def on_disk(folder: Path, count: int = 2) -> Path:
    for number in range(count):
        path = folder / f"images-{number:05d}.safetensors"
        path.parent.mkdir(exist_ok=True)
        write_shard(path, LABELLED_IMAGES, Shard(images(number), ({},)))
    return folder


def tensors(arrays: Arrays) -> dict[str, torch.Tensor]:
    kept = {name: values.astype(np.int32) if values.dtype == np.uint16 else values for name, values in arrays.items()}
    return {name: torch.from_numpy(values) for name, values in kept.items()}


def test_a_perfect_answer_costs_nothing_and_another_one_more() -> None:
    rows = tensors(images())
    owner = rows["owner"][:, ::2, ::2]
    shown = [(owner == index).float() for index in range(2)]
    vote = torch.stack([4.0 * shown[1], *[torch.zeros_like(shown[0])] * 4], dim=1) + 9 * (owner < 0)[:, None]
    colour = 20 * torch.stack([shown[0], 0 * shown[0], shown[1], *[0 * shown[0]] * 3], dim=1)
    place_m = torch.full((SCENES, 3, 32, 32), 0.1)
    log_size = torch.log(torch.tensor([0.05 / 0.04, 0.05 / 0.06])).view(1, 2, 1, 1).expand(SCENES, 2, 32, 32)
    right = PixelVotes(vote, shown[0] + shown[1], place_m, colour, log_size)
    nowhere = torch.zeros(SCENES, 3)
    perfect = segmentation_losses(right, owner, rows, nowhere, (0.04, 0.06))
    assert max(float(loss) for loss in perfect.values()) < 1e-3
    worse = {
        "push": right._replace(vote=vote / 4),
        "overlap": right._replace(vote=0 * vote),
        "seed": right._replace(seed=right.seed + 0.5 * (owner < 0)),
        "centre": right._replace(centre_m=place_m + 0.02),
        "colour": right._replace(colour=colour.flip(1)),
        "size": right._replace(log_size=log_size + 0.5),
    }
    for name, votes in worse.items():
        assert segmentation_losses(votes, owner, rows, nowhere, (0.04, 0.06))[name] > 0.1, name


def test_wrong_nouns_cost_more_and_those_that_only_some_would_use_nothing() -> None:
    torch.manual_seed(0)
    net, rows = build_segmenter().eval(), tensors(images())
    given, _ = segmenter_input(rows["rgb"], rows["depth_mm"] / 1000, rows["camera"], rows["T_base_camera"])
    owner, last = rows["owner"][:, ::2, ::2], net.region.noun[-1]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.constant_(last.bias, -20.0)
    assert noun_loss(net, given.image, owner, rows) < 1e-3
    rows["noun"][:, :, 0] = 1
    assert noun_loss(net, given.image, owner, rows) > 1
    rows["noun"][:] = -1
    assert noun_loss(net, given.image, owner, rows) == 0


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("scale", segmentation_stage.SCALES)
def test_another_camera_sees_objects_where_they_are(
    scale: float, mirror: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segmentation_stage, "DEPTH_NOISE_M", 0.0)
    rows = tensors(images())
    changed = segmentation_stage._augmented(rows, scale, mirror)
    before = segmenter_input(rows["rgb"], rows["depth_mm"] / 1000, rows["camera"], rows["T_base_camera"])
    after = segmenter_input(*(changed[name] for name in ("rgb", "depth_m", "camera", "T_base_camera")))
    for index in range(2):
        places_m = [
            (given.place_m[0][:, owner[0] == index] + middle_m[0][:, None]).mean(dim=1)
            for (given, middle_m), owner in ((before, rows["owner"]), (after, changed["owner"]))
        ]
        torch.testing.assert_close(places_m[0], places_m[1], atol=2e-3, rtol=0)


def test_a_crop_moves_no_object_and_what_it_truncates_is_neither_object_nor_background(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = tensors(images())
    monkeypatch.setattr(segmentation_stage, "CROP_PX", 48)
    monkeypatch.setattr(segmentation_stage, "SHIFT_PX", 12)
    cut = segmentation_stage._cropped(rows, np.random.default_rng(0))
    assert cut["owner"].shape == (SCENES, 48, 48) and cut["rgb"].shape == (SCENES, 48, 48, 3)
    assert (rows["owner"] >= -1).all()  # of the whole images nothing was changed
    before, after = (
        segmenter_input(each["rgb"], each["depth_mm"] / 1000, each["camera"], each["T_base_camera"])
        for each in (rows, cut)
    )
    states = set()
    for image, (whole, part) in enumerate(zip(rows["owner"], cut["owner"], strict=True)):
        for index in range(2):
            states.add(bool((part == index).any()))
            if (part == index).any():
                assert (part == index).sum() >= segmentation_stage.WHOLE * (whole == index).sum()
                places_m = [
                    given.place_m[image][:, owner == index].mean(dim=1) + middle_m[image]
                    for (given, middle_m), owner in ((before, whole), (after, part))
                ]
                torch.testing.assert_close(places_m[0], places_m[1], atol=3e-3, rtol=0)
    assert states == {True, False}  # some are truncated
    votes = PixelVotes(torch.zeros(1, 5, 4, 4), torch.zeros(1, 4, 4), *[torch.zeros(1, n, 4, 4) for n in (3, 6, 2)])
    owner = torch.full((1, 4, 4), -1)
    labels = {name: values[:1] for name, values in rows.items()}
    sure = votes._replace(seed=torch.ones(1, 4, 4))
    none, ignored = (
        segmentation_losses(sure, owner + offset, labels, torch.zeros(1, 3), (0.04, 0.06))["seed"]
        for offset in (0, segmentation_stage.IGNORED + 1)
    )
    assert none == 1 and ignored == 0


def test_what_is_recoloured_has_the_colour_of_another_and_keeps_its_shading(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tensors(images())
    rows["rgb"][:, 20:40, 8:16] //= 2  # the left object's left half lies in shade
    monkeypatch.setattr(segmentation_stage, "ALIKE", 1.0)
    monkeypatch.setattr(segmentation_stage, "RECOLOURED", 1.0)
    before = rows["rgb"].clone()
    recoloured = segmentation_stage._recoloured(rows | {"rgb": rows["rgb"].float()}, np.random.default_rng(0))
    assert torch.equal(rows["rgb"], before) and torch.equal(rows["owner"], recoloured["owner"])
    assert set(recoloured["colour"][:, 0].tolist()) == {0, 2}  # the one's or the other's
    assert torch.equal(recoloured["colour"][:, 0], recoloured["colour"][:, 1])
    for rgb, colour in zip(recoloured["rgb"], recoloured["colour"][:, 0], strict=True):
        hue = rgb[20:40, 8:60].reshape(-1, 3)[(recoloured["owner"][0, 20:40, 8:60] >= 0).flatten()].argmax(dim=1)
        assert set(hue.tolist()) == {int(colour)}  # red is 0 and blue is 2 in both
        assert rgb[30, 12].sum() / rgb[30, 20].sum() == pytest.approx(0.5, abs=0.02)
    table = recoloured["owner"] == -1
    assert torch.equal(recoloured["rgb"][table], before[table].float())


def test_it_learns_and_what_was_stopped_ends_with_the_same_weights(tmp_path: Path) -> None:
    data, losses = [on_disk(tmp_path / "data")], list[float]()

    class Stopped(Exception):
        pass

    def stop(stage: str, epoch: int, epochs: int, figures: dict[str, float]) -> None:
        losses.append(figures["loss"])
        raise Stopped

    with pytest.raises(Stopped):
        train_segmenter(SETTINGS, data, tmp_path / "stopped", stop)
    train_segmenter(SETTINGS, data, tmp_path / "stopped", lambda *_: None)
    train_segmenter(SETTINGS, data, tmp_path / "whole", lambda *told: losses.append(told[3]["loss"]))
    assert losses[-1] < losses[0] / 2
    one, other = (load_segmenter(tmp_path / name, "cpu").state_dict() for name in ("stopped", "whole"))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("part", PARTS)
def test_nouns_and_objects_are_learned_alone_by_what_knows_the_rest(part: str, tmp_path: Path) -> None:
    data, alone = [on_disk(tmp_path / "data", 1)], replace(SETTINGS, segmentation_epochs=1, only=part)
    with pytest.raises(ConfigError, match=f"{part} alone are learned .* name it with --start"):
        train_segmenter(alone, data, tmp_path / "out")
    train_segmenter(alone, data, tmp_path / "out", start=SHIPPED_SEGMENTER)
    before, after = (load_segmenter(path, "cpu").state_dict() for path in (SHIPPED_SEGMENTER, tmp_path / "out"))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and all(name.startswith("region.") == (part == "nouns") for name in changed)


def test_a_part_is_of_the_segmenter_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fields = {name: np.zeros((1, 1), np.float32) for name in OUTCOMES.fields}
    write_shard(tmp_path / "outcomes-00000.safetensors", OUTCOMES, Shard(fields, ({},)))
    assert main(["train", "--data", str(tmp_path), "--out", str(tmp_path / "out"), "--only", "objects"]) == 2
    assert "--only is of the segmenter" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_part_that_the_segmenter_does_not_have_is_refused() -> None:
    with pytest.raises(ConfigError, match="train.only must be nouns or objects, got 'colours'"):
        TrainSettings(only="colours")


def test_a_perfect_network_is_judged_to_find_all() -> None:
    stage = SegmentationStage(build_segmenter(), [])
    row = {name: values[:1] for name, values in images().items()}
    shown = [torch.from_numpy(row["owner"][:, ::2, ::2] == index).float() for index in range(2)]
    flat = torch.zeros(1, 3, 32, 32)
    vote = torch.stack([4.0 * shown[1], *[torch.zeros_like(shown[0])] * 4], dim=1)
    colour = 20 * torch.stack([shown[0], 0 * shown[0], shown[1], *[0 * shown[0]] * 3], dim=1)
    size = torch.log(torch.tensor([0.05 / 0.04, 0.05 / 0.06])).view(1, 2, 1, 1).expand(1, 2, 32, 32)
    stage.model.forward = lambda _: PixelVotes(  # type: ignore[method-assign]
        vote, 0.9 * (shown[0] + shown[1]), flat, colour, size
    )
    last = stage.model.region.noun[-1]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.constant_(last.bias, -9.0)
    figures = stage.validate(row, np.random.default_rng(0))
    assert figures == pytest.approx({"recall": 1, "precision": 1, "colour": 1, "noun": 1, "size_error": 0}, abs=1e-6)


def test_other_data_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = on_disk(tmp_path / "data", 1)
    fields = {name: np.zeros((1, 1), np.float32) for name in OUTCOMES.fields}
    write_shard(data / "outcomes-00000.safetensors", OUTCOMES, Shard(fields, ({},)))
    with pytest.raises(ConfigError, match="outcomes beside labelled_images; train on each apart"):
        shard_readers([data], LABELLED_IMAGES)
    (data / "outcomes-00000.safetensors").unlink()
    assert main(["train", "--data", str(data), "--out", str(tmp_path / "out"), "--segmentation-epochs", "0"]) == 0
    assert (tmp_path / "out" / "model.safetensors").is_file() and "checkpoint" in capsys.readouterr().out
