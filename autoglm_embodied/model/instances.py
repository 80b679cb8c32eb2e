"""The objects in an image, from what its pixels say of them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from autoglm_embodied.errors import SensorError
from autoglm_embodied.model.object_segmenter import ObjectSegmenter, PixelVotes, segmenter_input
from autoglm_embodied.types import FloatArray, Frame

NO_INSTANCE = -1
SEEDED, SHOWN = 0.5, 0.3  # least of the pixel that an object is grown from, and of all others
LEAST_PX = 12  # of half the resolution
LEAST_SEEN, LEAST_INNER = 0.6, 0.2  # mean seed, and share of the pixels within: less is the rim of something else
MOST_INSTANCES = 40
STRIDE = 16  # of the segmenter
LIKE_VOTE, LIKE_COLOUR = 1.8, 0.5  # differences up to which neighbours are parts of one object
LIKE_RGB = 100.0  # difference of their mean red, green and blue, summed
LONG_BORDER = 1.5  # of such parts, over the root of the smaller one's pixels


@dataclass(frozen=True)
class Instance:
    """One object that is seen, and what it looks like."""

    colour: FloatArray  # (colours,) probability of each
    noun: FloatArray  # (nouns,) probability that people call it so
    size_m: float  # edge of a cube as large as its hull
    span_m: float  # from its one end to the other
    centre_m: FloatArray  # (3,) centre of mass, base frame
    seen: float  # 0 to 1, how sure the network is that this is an object


@dataclass(frozen=True)
class SegmentedImage:
    """Which pixels show which object."""

    owner: NDArray[np.int16]  # (height, width) index into instances, NO_INSTANCE elsewhere
    instances: tuple[Instance, ...]


@torch.inference_mode()
def segment(
    segmenter: ObjectSegmenter, frame: Frame, half_size_m: tuple[float, ...] = (np.inf, np.inf)
) -> SegmentedImage:
    """The objects in a frame; its edges beyond a multiple of STRIDE pixels are not looked at.

    Args:
        segmenter: in inference mode.
        frame: with depth; SensorError if it is smaller than STRIDE pixels.
        half_size_m: x and y from the origin of the camera's base frame, within which an object's centre lies: farther
            off stands what is no object, such as the robot itself.
    """
    height, width = (size - size % STRIDE for size in frame.depth_m.shape)
    if not (height and width):
        raise SensorError(f"an image must have {STRIDE} pixels a side or more, got {frame.depth_m.shape}")
    K, device = frame.camera.K, segmenter.device
    batch = (frame.rgb[:height, :width], np.nan_to_num(np.asarray(frame.depth_m[:height, :width], np.float32)))
    pose = (K[[0, 1, 0, 1], [0, 1, 2, 2]], frame.camera.T_base_camera)
    given, middle_m = segmenter_input(
        *(torch.from_numpy(np.array(values))[None].to(device) for values in batch + pose)  # a message is read-only
    )
    known = (given.image[0, 4, ::2, ::2] > 0).cpu().numpy()
    votes = PixelVotes(*(field[0].float().cpu().numpy() for field in segmenter(given)))
    middle, limit_m = middle_m[0].cpu().numpy(), np.array(half_size_m)
    members = [
        mask
        for mask in joined(votes, grown(votes, known), frame.rgb[:height:2, :width:2])
        if (np.abs(_centre_m(votes, mask, middle)[:2]) <= limit_m).all()
    ]
    owner = np.full(frame.depth_m.shape, NO_INSTANCE, np.int16)
    owner[:height, :width] = _full_size(members, (height, width))
    units = np.array(segmenter.config.size_unit_m)
    nouns = noun_logits(segmenter, given.image, members)
    each = zip(members, nouns, strict=True)
    return SegmentedImage(owner, tuple(_instance(votes, mask, noun, middle, units) for mask, noun in each))


@torch.inference_mode()
def noun_logits(segmenter: ObjectSegmenter, image: Tensor, masks: list[NDArray[np.bool_]]) -> FloatArray:
    """(n, nouns) of the objects of n masks (h, w) in one image (1, CHANNELS, H, W)."""
    if not masks:
        return np.zeros((0, len(segmenter.config.nouns)))
    shown = torch.from_numpy(np.array(masks, np.float32))[None].to(image.device)
    upright = torch.zeros(shown.shape[:2], device=image.device)
    return np.asarray(segmenter.nouns(image, shown, upright, upright + 1)[0].cpu().numpy(), float)


def grown(votes: PixelVotes, known: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Masks (h, w) of the objects: all pixels whose vote is near that of the surest pixel left, again and again.

    Args:
        votes: of one image, as arrays.
        known: (h, w) where depth is.
    """
    seed, vote = np.asarray(votes.seed), np.asarray(votes.vote)
    rows, columns = np.nonzero((seed > SHOWN) & known)
    votes_here, seeds = vote[:, rows, columns].T, seed[rows, columns].copy()  # (n, E), (n,)
    found: list[NDArray[np.bool_]] = []
    while len(seeds) and seeds.max() > SEEDED and len(found) < MOST_INSTANCES:
        best = votes_here[np.argmax(seeds)]
        for _ in range(2):  # the middle of what is near is a better one
            near = (np.square(votes_here - best).sum(axis=1) < 1) & (seeds > 0)
            best = votes_here[near].mean(axis=0) if near.any() else best
        near[np.argmax(seeds)] = True
        if near.sum() >= LEAST_PX and seeds[near].mean() >= LEAST_SEEN:
            mask = np.zeros(seed.shape, np.uint8)
            mask[rows[near], columns[near]] = 1
            if cv2.erode(mask, np.ones((3, 3))).sum() >= LEAST_INNER * near.sum():
                found.append(mask.astype(bool))
        seeds[near] = 0.0
    return found


def joined(votes: PixelVotes, masks: list[NDArray[np.bool_]], rgb: NDArray[np.uint8]) -> list[NDArray[np.bool_]]:
    """The same masks, but one for parts that touch, look alike and say much the same: long objects come in parts.

    Args:
        votes: of one image, as arrays.
        masks: (h, w) each, as `grown`.
        rgb: (h, w, 3).
    """
    whole: list[NDArray[np.bool_]] = []
    for mask in masks:
        part_of = next((at for at, other in enumerate(whole) if _are_parts(votes, mask, other, rgb)), None)
        if part_of is None:
            whole.append(mask)
        else:
            whole[part_of] = whole[part_of] | mask
    return whole


def _are_parts(votes: PixelVotes, one: NDArray[np.bool_], other: NDArray[np.bool_], rgb: NDArray[np.uint8]) -> bool:
    border = cv2.dilate(one.astype(np.uint8), np.ones((5, 5))).astype(bool) & other
    if border.sum() < LONG_BORDER * np.sqrt(min(one.sum(), other.sum())):
        return False
    vote, logits = (
        [np.asarray(values)[:, mask].mean(axis=1) for mask in (one, other)] for values in (votes.vote, votes.colour)
    )
    unlike = np.abs(_softmax(logits[0]) - _softmax(logits[1])).sum() / 2
    shade = np.abs(rgb[one].mean(axis=0) - rgb[other].mean(axis=0)).sum()
    return bool(np.linalg.norm(vote[0] - vote[1]) < LIKE_VOTE and unlike < LIKE_COLOUR and shade < LIKE_RGB)


def _softmax(logits: FloatArray) -> FloatArray:
    share = np.exp(logits - logits.max())
    return np.asarray(share / share.sum())


def _full_size(members: list[NDArray[np.bool_]], shape: tuple[int, int]) -> NDArray[np.int16]:
    """(H, W) index of the mask to which each pixel belongs, NO_INSTANCE where it belongs to none."""
    best, owner = np.full(shape, 0.5, np.float32), np.full(shape, NO_INSTANCE, np.int16)
    twice = np.array([[2.0, 0, 0], [0, 2.0, 0]])  # every second pixel was looked at, from the first on
    for index, mask in enumerate(members):
        share = cv2.warpAffine(mask.astype(np.float32), twice, shape[::-1], flags=cv2.INTER_LINEAR)
        more = share > best
        best[more], owner[more] = share[more], index
    return owner


def _instance(
    votes: PixelVotes, mask: NDArray[np.bool_], noun: FloatArray, middle_m: FloatArray, units: FloatArray
) -> Instance:
    colour, log_size = (
        np.asarray(values)[:, mask].mean(axis=1).astype(float) for values in (votes.colour, votes.log_size)
    )
    size_m, span_m = (np.exp(log_size) * units).tolist()
    seen = float(np.asarray(votes.seed)[mask].mean())
    centre_m = _centre_m(votes, mask, middle_m)
    return Instance(_softmax(colour), 1 / (1 + np.exp(-noun)), size_m, span_m, centre_m, seen)


def _centre_m(votes: PixelVotes, mask: NDArray[np.bool_], middle_m: FloatArray) -> FloatArray:
    """(3,) centre of mass of a mask's object, base frame."""
    return np.asarray(np.asarray(votes.centre_m)[:, mask].mean(axis=1).astype(float) + middle_m)
