"""The segmentation stage: the segmenter learns which pixels are one object's, and what that object is like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn import functional as F

from autoglm_embodied.data.shards import Arrays, Read
from autoglm_embodied.model.instances import grown, joined, noun_logits
from autoglm_embodied.model.object_segmenter import ObjectSegmenter, PixelVotes, segmenter_input
from autoglm_embodied.train.shard_stage import ShardStage
from autoglm_embodied.types import FloatArray

SCALES = (0.8, 1.0, 1.2)  # of the resolution
GAIN, CHANNEL_GAIN, LEVELS = 0.2, 0.05, 4.0  # of brightness, of each colour channel, and noise
DEPTH_NOISE_M = 0.001
CROP_PX, SHIFT_PX = 224, 16  # of a crop around an image's objects, shifted either way: the rest is table
WHOLE, IGNORED = (
    0.95,
    -2,
)  # share of an object in the crop from which on it counts; owner of the pixels of those with less
ALIKE, RECOLOURED = (
    0.5,
    0.6,
)  # share of the images in which objects are recoloured like one of them, and of their objects
PULL, PUSH = 0.5, 2.2  # votes of one object nearer to their middle, and middles of two objects farther from each other
RIM_PX = 4  # around objects, where the background is easily taken for one
CENTRE_UNIT_M = 0.02
CLOSE_UPS, CLOSE_UP_SCALE = 4, 0.1  # of each object, turned at random and by up to so much larger or smaller
OVERLAP = 0.5  # intersection over union from which on an object counts as found
WEIGHTS = {
    "pull": 1.0,
    "push": 1.0,
    "overlap": 1.0,
    "seed": 1.0,
    "centre": 0.5,
    "colour": 0.5,
    "size": 1.0,
}
NOUN_WEIGHT = 6.0


PARTS = ("nouns", "objects")  # of the segmenter, that can be trained alone


class SegmentationStage(ShardStage[ObjectSegmenter]):
    """Learns from labelled images, seen by other cameras and in other light.

    Args:
        model: to be trained.
        shards: of LABELLED_IMAGES.
        only: "nouns" leaves all weights as they are but those that tell what objects are called, "objects" those alone.
    """

    name = "segmentation"
    share_aside, most_aside = 0.05, 96  # to validate on, in whole scenes

    def __init__(self, model: ObjectSegmenter, shards: Sequence[Read], only: str = "") -> None:
        super().__init__(model, shards)
        self._only, nouns = only, list(model.region.parameters())
        if only:
            kept = {id(parameter) for parameter in nouns}
            self.parameters = nouns if only == "nouns" else [each for each in self.parameters if id(each) not in kept]

    def losses(self, rows: Arrays, rng: np.random.Generator) -> dict[str, Tensor]:
        """Of images in another size and light, half of the batches in a mirror."""
        images = _augmented(_cropped(self._on_device(rows), rng), float(rng.choice(SCALES)), bool(rng.random() < 0.5))
        if self._only != "nouns":
            images = _recoloured(images, rng)
        given, middle_m = segmenter_input(*(images[name] for name in ("rgb", "depth_m", "camera", "T_base_camera")))
        owner = images["owner"][:, ::2, ::2].masked_fill(given.image[:, 4, ::2, ::2] == 0, -1)
        named = (
            {"noun": NOUN_WEIGHT * noun_loss(self.model, given.image, owner, images)} if self._only != "objects" else {}
        )
        if self._only == "nouns":
            return named
        losses = segmentation_losses(self.model(given), owner, images, middle_m, self.model.config.size_unit_m)
        return {name: WEIGHTS[name] * loss for name, loss in losses.items()} | named

    @torch.inference_mode()
    def validate(self, rows: Arrays, rng: np.random.Generator) -> dict[str, float]:
        """Share of the objects that are found, of what is found that is an object, and how well each is described."""
        self.model.eval()
        counts = np.zeros(6)
        for row in range(len(rows["seed"])):
            counts += self._judged({name: values[row : row + 1] for name, values in rows.items()})
        objects, found, proposed, coloured, named, size_error = counts.tolist()
        return {
            "recall": found / max(1, objects),
            "precision": found / max(1, proposed),
            "colour": coloured / max(1, found),
            "noun": named / max(1, found),
            "size_error": size_error / max(1, found),
        }

    def _judged(self, row: Arrays) -> FloatArray:
        """(6,) objects, those found, masks proposed; of those found right colour, right nouns, error of log size."""
        images = self._on_device(row)
        images["depth_m"] = images["depth_mm"].float() / 1000
        given, _ = segmenter_input(*(images[name] for name in ("rgb", "depth_m", "camera", "T_base_camera")))
        votes = PixelVotes(*(field[0].cpu().numpy() for field in self.model(given)))
        found = grown(votes, (given.image[0, 4, ::2, ::2] > 0).cpu().numpy())
        masks = joined(votes, found, row["rgb"][0, ::2, ::2])
        nouns = noun_logits(self.model, given.image, masks)
        owner, colour, noun = row["owner"][0, ::2, ::2], row["colour"][0], row["noun"][0]
        there = [index for index in range(len(colour)) if colour[index] >= 0 and (owner == index).any()]
        overlap = np.array([[_overlap(mask, owner == index) for mask in masks] for index in there])
        counts = np.array([len(there), 0, len(masks), 0, 0, 0.0])
        if not overlap.size:
            return counts
        units = np.array(self.model.config.size_unit_m)
        for at, number in zip(*linear_sum_assignment(-overlap), strict=True):
            if overlap[at, number] < OVERLAP:
                continue
            mask, index = masks[number], there[at]
            said = {name: np.asarray(getattr(votes, name))[:, mask].mean(axis=1) for name in ("colour", "log_size")}
            sure = noun[index] >= 0
            counts[1] += 1
            counts[3] += said["colour"].argmax() == colour[index]
            counts[4] += bool(((nouns[number] > 0) == noun[index])[sure].all())
            counts[5] += np.abs(said["log_size"] - np.log(row["size_m"][0, index] / units)).mean()
        return counts

    def _on_device(self, rows: Arrays) -> dict[str, Tensor]:
        whole = {
            name: values.astype(np.int32) if values.dtype == np.uint16 else values for name, values in rows.items()
        }
        return {name: torch.from_numpy(values).to(self.model.device) for name, values in whole.items()}


def segmentation_losses(
    votes: PixelVotes, owner: Tensor, labels: dict[str, Tensor], middle_m: Tensor, size_unit_m: tuple[float, float]
) -> dict[str, Tensor]:
    """How far votes, seeds and attributes are from the truth; every object counts alike, however large.

    Args:
        votes: of B images.
        owner: (B, h, w) object of each pixel, -1 none or unknown, IGNORED one that is not to be learned from.
        labels: fields of LABELLED_IMAGES with a row for each image.
        middle_m: (B, 3) origin of the places.
        size_unit_m: see SegmenterConfig.
    """
    masks = _masks(owner, labels).flatten(2)  # (B, T, P)
    pixels = masks.sum(dim=2)
    there = pixels > 0
    share = masks / pixels.clamp(min=1)[..., None]
    vote = votes.vote.flatten(2)  # (B, E, P)
    middle = share @ vote.transpose(1, 2)  # (B, T, E)
    away = (vote.square().sum(1)[:, None] + middle.square().sum(2)[..., None] - 2 * middle @ vote).clamp(min=0)
    like = torch.exp2(-away)  # 0.5 where an object ends
    overlap = 2 * (like * masks).sum(2) / (like.sum(2) + pixels).clamp(min=1e-3)
    own = (like.detach() * masks).sum(1)  # (B, P)
    shown, clear = masks.sum(1), (owner != IGNORED).flatten(1)
    rim = F.max_pool2d(shown.view_as(votes.seed), 2 * RIM_PX + 1, 1, RIM_PX).flatten(1) - shown
    error = (votes.seed.flatten(1) - own).square()
    parts = (shown, rim * clear, (1 - shown - rim) * clear)
    seed = sum((error * part).sum() / part.sum().clamp(min=1) for part in parts)
    pooled = {name: share @ getattr(votes, name).flatten(2).transpose(1, 2) for name in ("colour", "log_size")}
    truth_m = (labels["centre_m"] - middle_m[:, None]).to(vote.dtype)  # (B, T, 3)
    centre_m = share @ votes.centre_m.flatten(2).transpose(1, 2)
    log_size = torch.log(labels["size_m"].clamp(min=1e-3) / torch.tensor(size_unit_m, device=vote.device))
    return {
        "pull": _mean((((away + 1e-6).sqrt() - PULL).relu().square() * share).sum(2), there),
        "push": _push(middle, there),
        "overlap": _mean(1 - overlap, there),
        "seed": torch.as_tensor(seed),
        "centre": _mean(
            F.smooth_l1_loss(centre_m / CENTRE_UNIT_M, truth_m / CENTRE_UNIT_M, reduction="none").mean(2), there
        ),
        "colour": F.cross_entropy(pooled["colour"][there], labels["colour"][there])
        if there.any()
        else middle.sum() * 0,
        "size": _mean(F.smooth_l1_loss(pooled["log_size"], log_size, beta=0.2, reduction="none").mean(2), there),
    }


def noun_loss(segmenter: ObjectSegmenter, image: Tensor, owner: Tensor, labels: dict[str, Tensor]) -> Tensor:
    """How far the names of objects are from the truth, in close-ups turned at random; doubtful ones cost nothing.

    Args:
        segmenter: that names them.
        image: (B, CHANNELS, H, W) of its input.
        owner, labels: as of `segmentation_losses`.
    """
    masks = _masks(owner, labels).repeat(1, CLOSE_UPS, 1, 1)
    turn_rad, larger = (torch.rand(masks.shape[:2], device=masks.device) for _ in range(2))
    logits = segmenter.nouns(image, masks, 2 * torch.pi * turn_rad, 1 + CLOSE_UP_SCALE * (2 * larger - 1))
    noun, there = labels["noun"].repeat(1, CLOSE_UPS, 1).to(logits.dtype), masks.sum(dim=(2, 3)) > 0
    loss = F.binary_cross_entropy_with_logits(logits, noun.clamp(min=0), reduction="none") * (noun >= 0)
    return _mean(loss.mean(2), there)


def _masks(owner: Tensor, labels: dict[str, Tensor]) -> Tensor:
    """(B, T, h, w) 1 where a pixel shows a labelled object, else 0."""
    index = torch.arange(labels["colour"].shape[1], device=owner.device)[:, None, None]
    return ((owner[:, None] == index) & (labels["colour"] >= 0)[..., None, None]).float()


def _push(middle: Tensor, there: Tensor) -> Tensor:
    """Middles (B, T, E) of two objects in one image that are too near each other: of each object, to all others."""
    apart = (middle[:, :, None] - middle[:, None]).square().sum(3).add(1e-6).sqrt()
    pairs = there[:, :, None] & there[:, None] & ~torch.eye(there.shape[1], dtype=torch.bool, device=there.device)
    return _mean(((PUSH - apart).relu().square() * pairs).sum(2), there)  # few are near: a mean of all would hide them


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return (values * where).sum() / where.sum().clamp(min=1)


def _cropped(images: dict[str, Tensor], rng: np.random.Generator) -> dict[str, Tensor]:
    """Random crops of CROP_PX a side around the objects of each image, or all of it where it is no larger.

    Objects that the edge truncates are IGNORED: no loss takes them for objects or for background.
    """
    count, height, width = images["owner"].shape
    size = min(CROP_PX, height, width)
    rows, columns = (np.zeros(count, int) for _ in range(2))
    for index, owner in enumerate(images["owner"]):
        shown = (owner >= 0).nonzero()
        middle = shown.float().mean(dim=0).cpu().numpy() if len(shown) else np.array([height, width]) / 2
        middle = np.rint(middle + rng.uniform(-SHIFT_PX, SHIFT_PX, 2)).astype(int)
        rows[index], columns[index] = np.clip(middle - size // 2, 0, [height - size, width - size])
    parts = [np.s_[row : row + size, column : column + size] for row, column in zip(rows, columns, strict=True)]
    cut = {
        name: torch.stack([image[part] for image, part in zip(images[name], parts, strict=True)])
        for name in ("rgb", "depth_mm", "owner")
    }
    for before, after in zip(images["owner"], cut["owner"], strict=True):
        for index in before[before >= 0].unique():
            if (after == index).sum() < WHOLE * (before == index).sum():
                after[after == index] = IGNORED
    shift = torch.from_numpy(np.column_stack([0 * rows, 0 * rows, columns, rows])).to(images["camera"])
    return images | cut | {"camera": images["camera"] - shift}


def _recoloured(images: dict[str, Tensor], rng: np.random.Generator) -> dict[str, Tensor]:
    """In some images most objects get the colour of one of them, but keep their shading: like ones lie side by side."""
    rgb, colour = images["rgb"].clone(), images["colour"].clone()
    for image, owner, said in zip(rgb, images["owner"], colour, strict=True):
        masks = {index: owner == index for index in range(len(said)) if said[index] >= 0 and (owner == index).any()}
        if not masks or rng.random() >= ALIKE:
            continue
        like = int(rng.choice(list(masks)))
        paint = image[masks[like]].mean(dim=0)
        for index, mask in masks.items():
            if index != like and rng.random() < RECOLOURED:
                light = image[mask].mean(dim=1, keepdim=True)
                image[mask] = (light / light.mean().clamp(min=1.0) * paint).clamp(0, 255)
                said[index] = said[like]
    return images | {"rgb": rgb, "colour": colour}


def _augmented(images: dict[str, Tensor], scale: float, mirror: bool) -> dict[str, Tensor]:
    """Images as another camera would have taken them: larger or smaller, brighter or darker, or in a mirror."""
    rgb, depth_m, owner = images["rgb"], images["depth_mm"].float() / 1000, images["owner"]
    size = int(rgb.shape[1] * scale) // 16 * 16
    scale, count = size / rgb.shape[1], len(rgb)
    nearest = torch.arange(size, device=rgb.device).add(0.5).div(scale).long()
    rgb, depth_m, owner = (values[:, nearest][:, :, nearest] for values in (rgb.float(), depth_m, owner))
    camera = torch.cat([images["camera"][:, :2] * scale, (images["camera"][:, 2:] + 0.5) * scale - 0.5], dim=1)
    T_base_camera = images["T_base_camera"]
    if mirror:
        rgb, depth_m, owner = (values.flip(2) for values in (rgb, depth_m, owner))
        camera = torch.cat([camera[:, :2], size - 1 - camera[:, 2:3], camera[:, 3:]], dim=1)
        T_base_camera = T_base_camera * torch.tensor([-1.0, 1, 1, 1], device=rgb.device, dtype=T_base_camera.dtype)
    gain = 1 + GAIN * (2 * torch.rand(count, 1, 1, 1, device=rgb.device) - 1)
    gain = gain * (1 + CHANNEL_GAIN * (2 * torch.rand(count, 1, 1, 3, device=rgb.device) - 1))
    rgb = (rgb * gain + LEVELS * torch.randn_like(rgb)).clamp(0, 255)
    depth_m = torch.where(depth_m > 0, depth_m + DEPTH_NOISE_M * torch.randn_like(depth_m), 0.0)
    changed = {"rgb": rgb, "depth_m": depth_m, "owner": owner, "camera": camera, "T_base_camera": T_base_camera}
    return images | changed


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))
