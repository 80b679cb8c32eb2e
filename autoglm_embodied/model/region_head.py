"""What each object is called, from a close-up: the second stage of the segmenter.

An object's region is cut out of the image around its mask (RoIAlign: He et al., Mask R-CNN, ICCV 2017), but of a fixed
size in metres, so that near and far objects, and those of other cameras, are seen alike.
Letters of the shape comments: B images, T objects, H x W pixels, h x w half as many, P pixels of a region's edge.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from autoglm_embodied.model.encoders import half_resolution

REGION_CHANNELS = 7  # red, green, blue; height; whether depth is known; depth beyond the object's own; its mask
KNOWN, DEPTH, PIXEL = 4, 5, 6  # channels of the image
PIXEL_UNIT_M = 0.002  # of PIXEL, less 1
NEAR = 0.3  # image's units of depth that are told apart


class RegionHead(nn.Module):
    """Convolutional classifier of regions.

    Args:
        channels: at a half, a quarter, an eighth and a sixteenth of a region's resolution.
        nouns: how many.
    """

    def __init__(self, channels: tuple[int, int, int, int], nouns: int) -> None:
        super().__init__()
        pairs = zip((REGION_CHANNELS, *channels), channels, strict=False)
        stages = [half_resolution(inputs, outputs, 1) for inputs, outputs in pairs]
        self.stages = nn.Sequential(*stages)
        self.noun = nn.Sequential(nn.Linear(2 * channels[-1], channels[-1]), nn.GELU(), nn.Linear(channels[-1], nouns))

    def forward(self, regions: Tensor) -> Tensor:
        """Logits (n, nouns), each for itself, of regions (n, REGION_CHANNELS, P, P)."""
        x = self.stages(regions)
        logits: Tensor = self.noun(torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1))
        return logits.float()


def cut_regions(image: Tensor, masks: Tensor, pixels: int, edge_m: Tensor, turn_rad: Tensor) -> Tensor:
    """The region of each object, (B, T, REGION_CHANNELS, P, P); of one whose mask is empty it means nothing.

    Args:
        image: (B, C, H, W) of the segmenter's input.
        masks: (B, T, h, w) 1 where a pixel shows the object, else 0; every second pixel of the image, from the first.
        pixels: P.
        edge_m: (B, T) how wide each region is, at the object's distance.
        turn_rad: (B, T) by which each is turned in the image.
    """
    batch, count, height, width = masks.shape
    weight = masks / masks.sum(dim=(2, 3), keepdim=True).clamp(min=1)
    rows, columns = (torch.arange(size, device=masks.device, dtype=masks.dtype) for size in (height, width))
    middle = torch.stack([(weight.sum(2) * columns).sum(2), (weight.sum(3) * rows).sum(2)], dim=2)  # (B, T, 2) x, y
    depth, pixel = ((weight * image[:, None, at, ::2, ::2]).sum(dim=(2, 3)) for at in (DEPTH, PIXEL))  # (B, T)
    edge_px = edge_m / (PIXEL_UNIT_M * (1 + pixel))
    steps = torch.linspace(-0.5, 0.5, pixels, device=masks.device)
    y, x = torch.meshgrid(steps, steps, indexing="ij")
    cos, sin = (value[..., None, None] for value in (turn_rad.cos(), turn_rad.sin()))
    offset = torch.stack([cos * x - sin * y, sin * x + cos * y], dim=-1)  # (B, T, P, P, 2)
    place = 2 * middle[:, :, None, None] + offset * edge_px[:, :, None, None, None]  # pixels of the image
    size = torch.tensor([image.shape[3] - 1, image.shape[2] - 1], device=masks.device)
    seen = F.grid_sample(image, (2 * place / size - 1).flatten(1, 2), align_corners=True)
    seen = seen.unflatten(2, (count, pixels)).transpose(1, 2)  # (B, T, C, P, P)
    half = torch.tensor([width - 1, height - 1], device=masks.device)
    shown = F.grid_sample(masks.flatten(0, 1)[:, None], (place / half - 1).flatten(0, 1), align_corners=True)
    known = seen[:, :, KNOWN]
    beyond = ((seen[:, :, DEPTH] - depth[..., None, None]) / NEAR).clamp(-3, 3) * known
    return torch.cat([seen[:, :, : KNOWN + 1], beyond[:, :, None], shown.unflatten(0, (batch, count))], dim=2)
