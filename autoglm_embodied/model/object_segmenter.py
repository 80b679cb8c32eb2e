"""Instance segmentation: which pixels are one object's, and what that object is like; objects need not be known.

Every pixel votes for where its object is, in the base frame and in two learned dimensions besides; pixels whose votes
lie together are one object (spatial embeddings: Neven et al., CVPR 2019). An image of any camera will do: the network
sees height above the table and the size of a pixel, and says where things are relative to each pixel.
Letters of the shape comments: B images, T objects, H x W pixels, h x w half as many, E dimensions of the vote,
P pixels of a region's edge.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from autoglm_embodied.model.config import SegmenterConfig
from autoglm_embodied.model.encoders import Residual, half_resolution

CHANNELS = 7  # red, green, blue; height; whether depth is known; depth; pixel's size
HEIGHT_UNIT_M, DEPTH_UNIT_M = 0.1, 0.1
PLACE = 3  # dimensions of a vote that are a place
SMALLEST_M = 0.005  # size that is still told


class SegmenterInput(NamedTuple):
    """RGB-D images; frame of the places: the base frame's axes, from the middle of what is seen."""

    image: Tensor  # (B, CHANNELS, H, W)
    place_m: Tensor  # (B, 3, H, W) of each pixel's surface; 0 where depth is unknown
    R_base_camera: Tensor  # (B, 3, 3)


class PixelVotes(NamedTuple):
    """What each pixel of half the resolution says of the object that it shows."""

    vote: Tensor  # (B, E, h, w) those of one object lie within 1 of each other
    seed: Tensor  # (B, h, w) 0 to 1: shows an object, and its vote is near the middle of that object's
    centre_m: Tensor  # (B, 3, h, w) where the object's centre of mass is, as places of the input
    colour: Tensor  # (B, colours, h, w) logits
    log_size: Tensor  # (B, 2, h, w) logarithm of edge of a cube as large, and of the length from end to end, in units


class ObjectSegmenter(PreTrainedModel):
    """Convolutional encoder and decoder with attention over the whole image between them.

    Args:
        config: sizes and vocabulary.
    """

    config_class = SegmenterConfig
    config: SegmenterConfig
    base_model_prefix = "segmenter"

    def __init__(self, config: SegmenterConfig) -> None:
        super().__init__(config)
        a, b, c, d = config.channels
        self.down = nn.ModuleList([half_resolution(*sizes, 2) for sizes in ((CHANNELS, a), (a, b), (b, c), (c, d))])
        self.global_attention = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(d, config.heads, 2 * d, 0.0, "gelu", batch_first=True, norm_first=True),
            config.layers,
            enable_nested_tensor=False,
        )
        self.lateral = nn.ModuleList([nn.Conv2d(d, c, 1), nn.Conv2d(c, b, 1), nn.Conv2d(b, a, 1)])
        self.up = nn.ModuleList([Residual(c), Residual(b), Residual(a)])
        self.instance = nn.Sequential(Residual(a), nn.Conv2d(a, config.vote + 1 + PLACE, 1))
        self.attributes = nn.Sequential(Residual(a), nn.Conv2d(a, len(config.colours) + 2, 1))
        self.region = RegionHead(config.region_channels, len(config.nouns))
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Keep what each layer's own constructor set."""

    def forward(self, given: SegmenterInput) -> PixelVotes:
        """What each pixel says; H and W are multiples of 16."""
        config, skips, x = self.config, list[Tensor](), given.image
        for stage in self.down:
            x = stage(x)
            skips.append(x)
        tokens = self.global_attention(x.flatten(2).transpose(1, 2))
        x = tokens.transpose(1, 2).reshape(x.shape)
        for lateral, up, skip in zip(self.lateral, self.up, skips[-2::-1], strict=True):
            x = up(F.interpolate(lateral(x), scale_factor=2.0, mode="nearest") + skip)
        instance, attributes = self.instance(x).float(), self.attributes(x).float()
        place_m = given.place_m[:, :, ::2, ::2]
        vote, seed, centre = instance.split([config.vote, 1, PLACE], dim=1)
        moved = torch.cat([_turned(given.R_base_camera, vote[:, :PLACE]), vote[:, PLACE:]], dim=1)
        here = F.pad(place_m / config.vote_unit_m, (0, 0, 0, 0, 0, config.vote - PLACE))
        colour, log_size = attributes.split([len(config.colours), 2], dim=1)
        centre_m = place_m + config.vote_unit_m * _turned(given.R_base_camera, centre)
        return PixelVotes(here + moved, seed[:, 0].sigmoid(), centre_m, colour, log_size)

    def nouns(self, image: Tensor, masks: Tensor, turn_rad: Tensor, scale: Tensor) -> Tensor:
        """Logits of what each object is called, each for itself, (B, T, nouns); 0 where a mask is empty.

        Args:
            image: (B, CHANNELS, H, W) of the input.
            masks: (B, T, h, w) 1 where a pixel shows the object, else 0.
            turn_rad, scale: (B, T) of the close-up in the image: 0 and 1, but for learning.
        """
        regions = cut_regions(image, masks, self.config.region_px, self.config.region_m / scale, turn_rad)
        there = masks.sum(dim=(2, 3)) > 0
        logits = regions.new_zeros(*there.shape, len(self.config.nouns))
        logits[there] = self.region(regions[there])
        return logits


def segmenter_input(
    rgb: Tensor, depth_m: Tensor, intrinsics: Tensor, T_base_camera: Tensor
) -> tuple[SegmenterInput, Tensor]:
    """Images as the segmenter reads them, and where the middle of what each shows is, (B, 3) in the base frame.

    Args:
        rgb: (B, H, W, 3) uint8.
        depth_m: (B, H, W) along the optical axis, 0 or NaN where unknown.
        intrinsics: (B, 4) fx, fy, cx, cy [px].
        T_base_camera: (B, 4, 4) pose of the optical frame.
    """
    known = depth_m > 0
    depth_m = torch.where(known, depth_m, 0.0).float()
    rows, columns = (torch.arange(size, device=rgb.device, dtype=torch.float32) for size in depth_m.shape[1:])
    fx, fy, cx, cy = (value[:, None, None] for value in intrinsics.float().T)
    rays = torch.stack([((columns - cx) / fx).expand_as(depth_m), ((rows[:, None] - cy) / fy).expand_as(depth_m)], 1)
    rays = torch.cat([rays, torch.ones_like(depth_m)[:, None]], dim=1)  # (B, 3, H, W), of depth 1
    R, t = T_base_camera[:, :3, :3].float(), T_base_camera[:, :3, 3].float()
    place_m = _turned(R, rays * depth_m[:, None]) + t[:, :, None, None]
    middle_m = torch.where(known[:, None], place_m, torch.nan).flatten(2).nanmedian(dim=2).values.nan_to_num()
    place_m = torch.where(known[:, None], place_m - middle_m[:, :, None, None], 0.0)
    middle_depth_m = torch.where(known, depth_m, torch.nan).flatten(1).nanmedian(dim=1).values.nan_to_num(1.0)
    beyond_m = torch.where(known, depth_m - middle_depth_m[:, None, None], 0.0)
    pixel_m = torch.where(known, depth_m, middle_depth_m[:, None, None]) / fx
    geometry = [place_m[:, 2] / HEIGHT_UNIT_M, known.float(), beyond_m / DEPTH_UNIT_M, pixel_m / PIXEL_UNIT_M - 1]
    colours = rgb.permute(0, 3, 1, 2).float() / 127.5 - 1
    image = torch.cat([colours, torch.stack(geometry, dim=1).clamp(-5, 5)], dim=1)
    return SegmenterInput(image, place_m, R), middle_m


def _turned(R: Tensor, vectors: Tensor) -> Tensor:
    """(B, 3, h, w) vectors, each turned by R (B, 3, 3)."""
    return torch.einsum("bij,bjhw->bihw", R.to(vectors.dtype), vectors)


REGION_CHANNELS = 7  # red, green, blue; height; whether depth is known; depth beyond the object's own; its mask
KNOWN, DEPTH, PIXEL = 4, 5, 6  # channels of the image
PIXEL_UNIT_M = 0.002  # of PIXEL, less 1
NEAR = 0.3  # image's units of depth that are told apart


class RegionHead(nn.Module):
    """What each object is called, from a close-up: the second stage, a convolutional classifier of regions.

    An object's region is cut out of the image around its mask (RoIAlign: He et al., Mask R-CNN, ICCV 2017), but of a
    fixed size in metres, so that near and far objects, and those of other cameras, are seen alike.

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
