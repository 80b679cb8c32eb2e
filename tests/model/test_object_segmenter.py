"""The segmenter sees where things are whatever the camera, masks what has no depth, and its votes become objects."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from autoglm_embodied.errors import CheckpointError, SensorError
from autoglm_embodied.model.build import build_segmenter
from autoglm_embodied.model.checkpoint import SHIPPED_SCORER, load_segmenter
from autoglm_embodied.model.instances import grown, joined, segment
from autoglm_embodied.model.object_segmenter import (
    REGION_CHANNELS,
    PixelVotes,
    SegmenterInput,
    cut_regions,
    segmenter_input,
)
from autoglm_embodied.types import Camera, FloatArray, Frame

SIDE = 32
K = np.array([[100.0, 0, 15.5], [0, 100.0, 15.5], [0, 0, 1]])
DOWN = np.array([[1.0, 0, 0, 0.1], [0, -1, 0, 0.2], [0, 0, -1, 0.8], [0, 0, 0, 1]])


def image(T_base_camera: FloatArray = DOWN, unknown: float = 0.0) -> tuple[torch.Tensor, ...]:
    rng = np.random.default_rng(0)
    depth_m = 0.7 + 0.1 * rng.random((1, SIDE, SIDE))
    depth_m[0, :4] = unknown
    rgb = rng.integers(0, 255, (1, SIDE, SIDE, 3), np.uint8)
    intrinsics = K[[0, 1, 0, 1], [0, 1, 2, 2]][None]
    return tuple(torch.from_numpy(values) for values in (rgb, depth_m, intrinsics, T_base_camera[None]))


def turned(by_rad: float, moved_m: tuple[float, float, float]) -> FloatArray:
    turn = np.eye(4)
    turn[:2, :2] = [[math.cos(by_rad), -math.sin(by_rad)], [math.sin(by_rad), math.cos(by_rad)]]
    turn[:3, 3] = moved_m
    return np.asarray(turn @ DOWN)


@pytest.mark.parametrize("unknown", [math.nan, -1.0])
def test_what_has_no_depth_is_masked(unknown: float) -> None:
    usual, _ = segmenter_input(*image())
    other, _ = segmenter_input(*image(unknown=unknown))
    assert all(torch.equal(one, two) for one, two in zip(usual, other, strict=True))
    assert not usual.image[0, 4, :4].any() and usual.image[0, 4, 4:].all()


def test_where_the_base_frame_lies_changes_neither_the_image_nor_what_is_said_of_it() -> None:
    torch.manual_seed(0)
    net = build_segmenter().eval()
    usual, middle_m = segmenter_input(*image())
    moved, _ = segmenter_input(*image(turned(0.0, (0.5, -0.3, 0.2))))
    spun, spun_middle_m = segmenter_input(*image(turned(1.0, (0.5, -0.3, 0.0))))
    torch.testing.assert_close(moved.image, usual.image, atol=1e-4, rtol=0)
    with torch.inference_mode():
        here, there = net(usual), net(spun)
    there_m, here_m = (  # of pixels whose depth is known
        (said.centre_m[:, :, 2:].flatten(2) + origin_m[..., None])[0].numpy()
        for said, origin_m in ((there, spun_middle_m), (here, middle_m))
    )
    turn = turned(1.0, (0.5, -0.3, 0.0)) @ np.linalg.inv(DOWN)
    np.testing.assert_allclose(there_m, turn[:3, :3] @ here_m + turn[:3, 3:], atol=1e-4)


def disc(row: float, column: float, radius: float) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:40, :40]
    return np.asarray((rows - row) ** 2 + (columns - column) ** 2 < radius**2)


def votes(*objects: tuple[NDArray[np.bool_], float, int], seed: float = 0.9) -> PixelVotes:
    """What a perfect network says of masks, each with the place of its votes and the index of its colour."""
    vote, colour, seeds = np.zeros((5, 40, 40)), np.zeros((6, 40, 40)), np.zeros((40, 40))
    for mask, place, index in objects:
        vote[0, mask], colour[index, mask], seeds[mask] = place, 10.0, seed
    nothing = np.zeros((3, 40, 40))
    return PixelVotes(vote, seeds, nothing, colour, nothing[:2])  # type: ignore[arg-type]


KNOWN = np.ones((40, 40), bool)


def test_pixels_that_vote_for_one_place_are_one_object() -> None:
    left, right = disc(20, 10, 6), disc(20, 28, 8)
    found = grown(votes((left, 0.0, 0), (right, 3.0, 0)), KNOWN)
    assert len(found) == 2
    assert {tuple(map(tuple, np.argwhere(mask))) for mask in found} == {
        tuple(map(tuple, np.argwhere(mask))) for mask in (left, right)
    }


def test_pixels_without_depth_belong_to_nothing() -> None:
    mask = disc(20, 20, 8)
    assert not grown(votes((mask, 0.0, 0)), ~mask)


def test_a_thin_rim_and_what_is_unsure_are_no_objects() -> None:
    ring = disc(20, 20, 9) & ~disc(20, 20, 8)
    assert not grown(votes((ring, 0.0, 0)), KNOWN)
    assert not grown(votes((disc(20, 20, 8), 0.0, 0), seed=0.55), KNOWN)


@pytest.mark.parametrize(
    ("place", "colour", "darker", "count"),
    [(1.4, 0, 0, 1), (1.4, 0, 30, 1), (1.4, 0, 40, 2), (1.4, 1, 0, 2), (2.5, 0, 0, 2)],
)
def test_parts_are_joined_if_they_touch_and_are_alike(place: float, colour: int, darker: int, count: int) -> None:
    whole = disc(20, 20, 10)
    left, right = whole.copy(), whole.copy()
    left[:, 20:], right[:, :20] = False, False
    rgb = np.full((40, 40, 3), 200, np.uint8)
    rgb[right] -= np.uint8(darker)
    assert len(joined(votes((left, 0.0, 0), (right, place, colour)), [left, right], rgb)) == count
    apart = np.roll(right, 8, axis=1)
    assert len(joined(votes((left, 0.0, 0), (apart, place, colour)), [left, apart], rgb)) == 2


def test_an_image_that_is_too_small_is_refused() -> None:
    frame = Frame(0, np.zeros((8, 40, 3), np.uint8), np.ones((8, 40)), Camera(40, 8, K, DOWN))
    with pytest.raises(SensorError, match="16 pixels a side or more, got"):
        segment(build_segmenter().eval(), frame)


def test_an_image_without_depth_shows_nothing() -> None:
    frame = Frame(0, np.full((48, 40, 3), 99, np.uint8), np.full((48, 40), np.nan), Camera(40, 48, K, DOWN))
    seen = segment(load_segmenter(), frame)
    assert seen.instances == () and seen.owner.shape == (48, 40) and (seen.owner == -1).all()


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="config.json is missing"):
        load_segmenter(tmp_path)
    with pytest.raises(CheckpointError, match="autoglm_grasp_scorer, not autoglm_object_segmenter"):
        load_segmenter(SHIPPED_SCORER)


PIXELS, EDGE_M = 32, 0.08


def block(pixel_m: float, at_m: tuple[float, float] = (0.0, 0.0)) -> tuple[SegmenterInput, Tensor]:
    """A red block of 40 x 20 x 50 mm below a camera, its mask; whoever sees it has pixels of this size on its top."""
    side = int(0.24 / pixel_m) // 2 * 2
    rows, columns = np.mgrid[:side, :side]
    x_m, y_m = (columns - (side - 1) / 2) * pixel_m - at_m[0], (rows - (side - 1) / 2) * pixel_m - at_m[1]
    top = (abs(x_m) < 0.02) & (abs(y_m) < 0.01)
    rgb = np.where(top[..., None], (200, 20, 20), (90, 90, 90)).astype(np.uint8)
    depth_m = np.where(top, 0.75, 0.8)
    camera = np.array([0.75 / pixel_m, 0.75 / pixel_m, (side - 1) / 2, (side - 1) / 2])
    given, _ = segmenter_input(*(torch.from_numpy(values[None]) for values in (rgb, depth_m, camera, DOWN)))
    return given, torch.from_numpy(top[::2, ::2])[None, None].float()


def cut(pixel_m: float, at_m: tuple[float, float] = (0.0, 0.0), turn_rad: float = 0.0) -> Tensor:
    given, mask = block(pixel_m, at_m)
    edge_m, turn = torch.full((1, 1), EDGE_M), torch.full((1, 1), turn_rad)
    return cut_regions(given.image, mask, PIXELS, edge_m, turn)[0, 0]


def test_a_region_is_the_same_wherever_the_object_lies_and_however_large_it_is_in_the_image() -> None:
    usual = cut(0.001)
    assert usual.shape == (REGION_CHANNELS, PIXELS, PIXELS)
    assert usual[0, 16, 16] > 0.5 > usual[0, 2, 2] and abs(usual[-1].mean() - 0.125) < 0.03  # the block, and its mask
    for other in (cut(0.001, (0.06, -0.04)), cut(0.002), cut(0.002, (0.05, 0.05))):
        assert (other - usual).abs().mean() < 0.03
    assert (cut(0.001, turn_rad=math.pi / 2) - usual.transpose(1, 2)).abs().mean() < 0.03
    assert (cut(0.001, turn_rad=math.pi / 2) - usual).abs().mean() > 0.07


def test_depth_is_told_relative_to_the_object() -> None:
    height, known, beyond = cut(0.001)[3:6]
    assert abs(beyond[16, 16]) < 0.05 and known.min() > 0.99
    assert beyond[2, 2] - beyond[16, 16] > 1 and height[16, 16] > height[2, 2]


def test_an_object_is_called_the_same_whatever_other_objects_are_asked_about() -> None:
    net = load_segmenter(device="cpu")
    given, mask = block(0.002)
    nothing, other = torch.zeros_like(mask), torch.ones_like(mask)
    with torch.inference_mode():
        alone, among = (
            net.nouns(given.image, masks, *(torch.full(masks.shape[:2], value) for value in (0.0, 1.0)))
            for masks in (mask, torch.cat([other, nothing, mask], dim=1))
        )
    torch.testing.assert_close(among[0, 2], alone[0, 0], atol=1e-4, rtol=1e-4)
    assert (among[0, 1] == 0).all() and (among[0, 0] - among[0, 2]).abs().max() > 0.01
