"""What a description means among objects that are seen, how sure that is, and whether the named one is still there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from autoglm_embodied.errors import InstructionError
from autoglm_embodied.grasping import seeing_rig
from autoglm_embodied.grasping.seeing_rig import NamedTarget, confirmed, slots_of
from autoglm_embodied.model.instances import Instance, SegmentedImage
from autoglm_embodied.policy.reference import refer, unknown_nouns
from autoglm_embodied.types import Referent
from autoglm_embodied.vocabulary import COLOURS, NOUNS


def seen(colour: str, x_m: float, y_m: float, noun: str = "", size_m: float = 0.04, sure: float = 1.0) -> Instance:
    likely = np.full(len(COLOURS), (1 - sure) / (len(COLOURS) - 1))
    likely[COLOURS.index(colour)] = sure
    called = np.array([0.99 if name == noun else 0.01 for name in NOUNS])
    return Instance(likely, called, size_m, 2 * size_m, np.array([x_m, y_m, 0.02]), 0.9)


TABLE = (
    seen("red", 0.0, 0.1, "cube"),
    seen("red", 0.1, -0.1, "ball", 0.03),
    seen("blue", -0.1, 0.0, "cube", 0.06),
    seen("green", 0.1, 0.15, "mug"),
)


def meant(**slots: str) -> tuple[Referent, int | None]:
    found = refer(slots, TABLE, np.random.default_rng(0))
    return found.referent, found.index


@pytest.mark.parametrize(
    ("slots", "index"),
    [
        ({"colour": "blue"}, 2),
        ({"noun": "ball"}, 1),
        ({"colour": "red", "noun": "block"}, 0),  # another word for a cube
        ({"size": "largest"}, 2),
        ({"colour": "red", "size": "small"}, 1),
        ({"place": "left"}, 3),  # +y
        ({"place": "right"}, 1),
        ({"place": "front"}, 2),  # towards the base
        ({"colour": "red", "place": "back"}, 1),
        ({"relation": "right_of", "ref_noun": "mug", "colour": "blue"}, 2),
        ({"relation": "behind", "ref_colour": "blue", "noun": "cube"}, 0),
        ({"relation": "next_to", "ref_noun": "mug", "colour": "red"}, 0),
        ({"colour": "red", "not_noun": "cube"}, 1),
        ({"noun": "cube", "not_colour": "red"}, 2),
    ],
)
def test_a_description_means_one_object(slots: dict[str, str], index: int) -> None:
    assert meant(**slots) == (Referent.ONE, index)


def test_a_noun_beyond_the_vocabulary_means_what_a_detector_says() -> None:
    slots = {"noun": "wooden spoon", "relation": "left_of", "ref_noun": "ball"}
    assert unknown_nouns(slots) == ["wooden spoon"] and not unknown_nouns({"noun": "block", "ref_noun": "mug"})
    assert refer(slots, TABLE, np.random.default_rng(0)).referent is Referent.NONE
    for likely, referent in (((0.95, 0, 0, 0.02), Referent.ONE), ((0.9, 0, 0.9, 0), Referent.MANY)):
        found = refer(slots, TABLE, np.random.default_rng(0), {"wooden spoon": np.array(likely)})
        assert (found.referent, found.index) == (referent, 0 if referent is Referent.ONE else None)
    assert refer(slots, TABLE, np.random.default_rng(0), {"wooden spoon": np.zeros(4)}).referent is Referent.NONE


@pytest.mark.parametrize(
    "slots",
    [
        {"colour": "purple"},
        {"colour": "pink"},  # in no vocabulary of colours
        {"noun": "elephant"},
        {"size": "tall", "colour": "red"},  # cannot be seen
        {"relation": "under", "ref_noun": "mug"},
        {"relation": "left_of", "ref_noun": "bottle"},
        {"relation": "left_of", "ref_noun": "mug"},
    ],
)
def test_what_fits_nothing_or_cannot_be_told_means_none(slots: dict[str, str]) -> None:
    assert meant(**slots) == (Referent.NONE, None)


@pytest.mark.parametrize(
    "slots", [{}, {"colour": "red"}, {"noun": "cube"}, {"relation": "left_of", "ref_colour": "red"}]
)
def test_what_fits_several_means_many(slots: dict[str, str]) -> None:
    assert meant(**slots) == (Referent.MANY, None)


def test_what_it_is_not_means_one_where_no_other_is_left() -> None:
    slots = slots_of("pick up the one that is not red")
    assert slots == slots_of("pick up anything but the red one") == {"not_colour": "red"}
    assert refer(slots, TABLE, np.random.default_rng(0)).referent is Referent.MANY
    left = refer(slots, TABLE[:3], np.random.default_rng(0))
    assert (left.referent, left.index) == (Referent.ONE, 2)


def test_on_an_empty_table_nothing_is_meant() -> None:
    assert refer({}, (), np.random.default_rng(0)).referent is Referent.NONE


def test_the_probability_is_that_of_the_colours() -> None:
    rng = np.random.default_rng(0)
    doubtful = refer({"colour": "red"}, [seen("red", 0, 0, sure=0.6)], rng)
    assert doubtful.referent is Referent.ONE and 0.45 < doubtful.probability < 0.75
    assert refer({"colour": "red"}, [seen("red", 0, 0)], rng).probability == 1.0


def test_sizes_that_are_alike_leave_a_doubt() -> None:
    alike = [seen("red", 0, 0, size_m=0.040), seen("red", 0.1, 0, size_m=0.041)]
    assert refer({"size": "smallest"}, alike, np.random.default_rng(0)).probability < 0.8


ANYTHING: Any = None


@contextmanager
def shown(monkeypatch: pytest.MonkeyPatch, *instances: Instance) -> Iterator[None]:
    """What the segmenter finds, whatever the frame."""
    with monkeypatch.context() as patched:
        patched.setattr(seeing_rig, "segment", lambda *_: SegmentedImage(np.zeros((1, 1), np.int16), instances))
        yield


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> NamedTarget:
    target = NamedTarget(ANYTHING, "pick up the red one on the left", np.random.default_rng(0))
    with shown(monkeypatch, seen("red", 0, -0.1), seen("red", 0, 0.1), seen("blue", 0, 0.2)):
        assert target.find(ANYTHING)[1].index == 1
    return target


@pytest.mark.parametrize(
    ("now", "where_it_lay", "index"),
    [
        ((seen("blue", 0, 0.1), seen("red", 0.01, 0.1)), False, 1),
        ((seen("red", 0, -0.1, size_m=0.06), seen("red", 0.03, 0.14)), False, 1),  # it rolled
        ((seen("red", 0, -0.1, size_m=0.06),), True, None),  # the other one: this one may be in the hand
        ((seen("red", 0.01, 0.1),), True, 0),
        ((seen("blue", 0, 0.1),), False, None),
        ((), False, None),
    ],
)
def test_it_is_recognised(
    now: tuple[Instance, ...],
    where_it_lay: bool,
    index: int | None,
    target: NamedTarget,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with shown(monkeypatch, *now):
        assert target.follow(ANYTHING, where_it_lay)[1] == index


def test_nothing_is_followed_before_it_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    target = NamedTarget(ANYTHING, "pick up the red one", np.random.default_rng(0))
    with shown(monkeypatch, seen("red", 0, 0)):
        assert target.follow(ANYTHING, False)[1] is None


def test_most_of_several_frames_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    target = NamedTarget(ANYTHING, "pick up the red one", np.random.default_rng(0))
    frames = iter([(seen("red", 0, 0),), (), (seen("red", 0.002, 0),)])
    monkeypatch.setattr(seeing_rig, "segment", lambda *_: SegmentedImage(np.zeros((1, 1), np.int16), next(frames)))
    assert confirmed(target, [ANYTHING] * 3).referent is Referent.ONE and target.last is not None
    frames = iter([(), (seen("red", 0, 0),), ()])
    assert confirmed(target, [ANYTHING] * 3).referent is Referent.NONE and target.last is None


def test_any_object_may_be_asked_for() -> None:
    assert slots_of("grab the thing") == {} and slots_of("please pick it up") == slots_of("lift the object") == {}
    assert slots_of("nimm den roten würfel", "de") == {"colour": "red", "noun": "cube"}


@pytest.mark.parametrize("words", ["", "stop", "what do you see", "move left five centimetres", "the weather is fine"])
def test_words_that_ask_for_no_object_are_refused(words: str) -> None:
    with pytest.raises(InstructionError, match="asks for no object; say, for example, pick up the red cube"):
        NamedTarget(ANYTHING, words, np.random.default_rng(0))
