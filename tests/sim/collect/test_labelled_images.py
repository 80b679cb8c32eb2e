"""Labelled images: what the labels say is what the pixels show, and the same number gives the same images."""

from __future__ import annotations

import numpy as np
import pytest
from autoglm_embodied_sim.collect.collection import Collection
from autoglm_embodied_sim.collect.labelled_images import LabelledImageSettings, labelled_images

from autoglm_embodied.data.schemas import IMAGE_PIXELS, LABELLED_IMAGES
from autoglm_embodied.data.shards import Shard
from autoglm_embodied.errors import ConfigError
from autoglm_embodied.vocabulary import COLOURS, NOUNS

SETTINGS = LabelledImageSettings("language", "validate")


@pytest.fixture(scope="module")
def seen() -> Shard:
    return labelled_images(SETTINGS, 4)


def test_every_field_has_a_row_for_each_image(seen: Shard) -> None:
    assert set(seen.arrays) == set(LABELLED_IMAGES.fields)
    counts = {len(values) for values in seen.arrays.values()}
    assert counts == {seen.notes[0]["images"]} and 2 <= counts.pop() <= 4
    assert seen.arrays["rgb"].shape[1:] == (IMAGE_PIXELS, IMAGE_PIXELS, 3)


def test_labels_are_of_the_objects_in_the_image_and_of_no_others(seen: Shard) -> None:
    for owner, colour in zip(seen.arrays["owner"], seen.arrays["colour"], strict=True):
        assert set(np.flatnonzero(colour >= 0)) == set(np.unique(owner)) - {-1}
    shown = [len(np.unique(owner)) - 1 for owner in seen.arrays["owner"]]
    assert shown == sorted(shown, reverse=True) and shown[0] > shown[-1]  # ever fewer


def test_the_pixels_are_of_the_colour_and_near_the_centre_that_the_labels_say(seen: Shard) -> None:
    strongest = {"red": {0}, "orange": {0}, "yellow": {0, 1}, "green": {1}, "blue": {2}, "purple": {2, 0}}
    rows = seen.arrays
    for image in range(len(rows["seed"])):
        fx, fy, cx, cy = rows["camera"][image]
        for index in np.flatnonzero(rows["colour"][image] >= 0):
            mask = rows["owner"][image] == index
            brightest = int(rows["rgb"][image][mask].mean(axis=0).argmax())
            assert brightest in strongest[COLOURS[rows["colour"][image, index]]]
            v, u = np.argwhere(mask & (rows["depth_mm"][image] > 0)).T
            depth_m = rows["depth_mm"][image][v, u] / 1000
            points = np.stack([(u - cx) / fx * depth_m, (v - cy) / fy * depth_m, depth_m, np.ones(len(u))])
            middle_m = (rows["T_base_camera"][image] @ points)[:2].mean(axis=1)
            off_m = np.linalg.norm(middle_m - rows["centre_m"][image, index, :2])
            assert off_m < 0.03, "the camera's believed place is off by some millimetres, and one side alone is seen"
            assert 0.01 < rows["size_m"][image, index, 0] < rows["size_m"][image, index, 1] < 0.2


def test_nouns_are_those_that_people_use(seen: Shard) -> None:
    called = seen.arrays["noun"][0]
    assert called.shape[1] == len(NOUNS) and (called.sum(axis=1) <= 1).all()
    assert (called == 1).any(), "a third of the objects have names"


def test_the_same_number_gives_the_same_images(seen: Shard) -> None:
    again = labelled_images(SETTINGS, 4)
    assert all(np.array_equal(seen.arrays[name], again.arrays[name]) for name in seen.arrays)


def test_options_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ConfigError, match="collected apart; leave out --images or --outcomes"):
        Collection(suite="pile", images=10, outcomes=10)
    with pytest.raises(ConfigError, match="suites run on the rig gantry or arm, got 'legs'"):
        LabelledImageSettings("pile", rig="legs")
    with pytest.raises(ConfigError, match="--dagger is of the primitives"):
        Collection(suite="pile", dagger=3)
