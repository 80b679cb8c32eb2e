"""A close-up shows an object alike whatever camera took it, and what it is called depends on nothing else."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from autoglm_embodied.model.checkpoint import load_segmenter
from autoglm_embodied.model.object_segmenter import REGION_CHANNELS, SegmenterInput, cut_regions, segmenter_input

PIXELS, EDGE_M = 32, 0.08
DOWN = np.array([[1.0, 0, 0, 0.1], [0, -1, 0, 0.2], [0, 0, -1, 0.8], [0, 0, 0, 1]])


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
