"""What descriptions fit: sides as the robot sees them, sizes and places only where they are clear."""

from __future__ import annotations

import pytest
from autoglm_embodied_sim.language.description import Description, Meaning, Rank, Relation, meaning
from language_cases import thing

from autoglm_embodied.errors import ConfigError

CUBE, BALL = Description(noun="cube"), Description(noun="ball")


def related(relation: Relation, colour: str | None = None, rank: Rank | None = None) -> Description:
    return Description(colour, rank=rank, relation=relation, anchor=CUBE)


def test_colour_and_noun_both_have_to_fit() -> None:
    things = [thing("red", "ball"), thing("red", "cube"), thing("blue", "ball"), thing("red")]
    assert meaning(Description("red", "ball"), things) == Meaning((0,), ())
    assert meaning(Description("red"), things) == Meaning((0, 1, 3), ())
    assert meaning(Description("green"), things) == Meaning((), ())
    assert meaning(Description(), things) == Meaning((0, 1, 2, 3), ())


def test_a_noun_that_only_some_would_use_leaves_doubt() -> None:
    things = [thing("red", "cube"), thing("blue", "milk", doubtful="cube")]
    assert meaning(CUBE, things) == Meaning((0,), (1,))
    assert meaning(Description("red", "cube"), things) == Meaning((0,), ())


@pytest.mark.parametrize(
    ("relation", "x_m", "y_m"),
    [
        (Relation.LEFT_OF, 0.0, 0.1),
        (Relation.RIGHT_OF, 0.0, -0.1),
        (Relation.IN_FRONT_OF, -0.1, 0.0),
        (Relation.BEHIND, 0.1, 0.0),
    ],
)
def test_sides_are_those_of_someone_at_the_base_who_looks_along_x(relation: Relation, x_m: float, y_m: float) -> None:
    things = [thing(noun="cube"), thing(x_m=x_m, y_m=y_m), thing(x_m=-x_m, y_m=-y_m)]
    assert meaning(related(relation), things) == Meaning((1,), ())


def test_what_lies_less_than_15_mm_to_one_side_is_in_doubt() -> None:
    things = [thing(noun="cube"), thing("blue", y_m=0.014), thing("green", y_m=-0.014), thing("red", y_m=0.016)]
    assert meaning(related(Relation.LEFT_OF), things) == Meaning((3,), (1, 2))
    assert meaning(related(Relation.LEFT_OF, "red"), things) == Meaning((3,), ())


def test_an_anchor_that_fits_none_or_several_relates_to_nothing_for_sure() -> None:
    one, two = thing("blue", y_m=0.1), thing("red", "cube")
    assert meaning(related(Relation.LEFT_OF), [one, thing("red")]) == Meaning((), ())
    assert meaning(related(Relation.LEFT_OF), [one, two, two]).fits == ()
    assert meaning(related(Relation.LEFT_OF), [one, two, two]).doubtful == (0, 1, 2)


@pytest.mark.parametrize(("ratio", "clear"), [(1.14, False), (1.16, True)])
def test_sizes_are_told_apart_from_15_percent_on(ratio: float, clear: bool) -> None:
    things = [thing(size_m=0.04), thing(size_m=0.04 * ratio)]
    assert meaning(Description(rank=Rank.BIGGER), things) == (Meaning((1,), ()) if clear else Meaning((), (0, 1)))
    assert meaning(Description(rank=Rank.SMALLEST), things) == (Meaning((0,), ()) if clear else Meaning((), (0, 1)))


def test_what_is_longer_but_not_larger_is_neither_bigger_nor_smaller() -> None:
    things = [thing(size_m=0.04, span_m=0.07), thing(size_m=0.03, span_m=0.12)]
    assert not meaning(Description(rank=Rank.BIGGER), things).clear


def test_the_smaller_is_said_of_two_and_the_smallest_of_more() -> None:
    three = [thing(size_m=0.03), thing(size_m=0.04), thing(size_m=0.05)]
    assert not meaning(Description(rank=Rank.SMALLER), three).clear
    assert meaning(Description(rank=Rank.SMALLEST), three) == Meaning((0,), ())
    assert not meaning(Description(rank=Rank.SMALLEST), three[:1]).clear


def test_the_middle_one_does_not_cloud_which_is_the_smallest() -> None:
    things = [thing(size_m=0.03), thing(size_m=0.040), thing(size_m=0.041)]
    assert meaning(Description(rank=Rank.SMALLEST), things) == Meaning((0,), ())
    assert meaning(Description(rank=Rank.BIGGEST), things) == Meaning((), (1, 2))


def test_a_rank_counts_among_what_the_rest_fits() -> None:
    things = [
        thing("blue", y_m=0.1, size_m=0.03),
        thing("blue", y_m=0.2, size_m=0.05),
        thing("blue", y_m=-0.1, size_m=0.02),
        thing("red", "cube"),
    ]
    assert meaning(related(Relation.LEFT_OF, "blue", Rank.SMALLER), things) == Meaning((0,), ())
    assert meaning(Description("blue", rank=Rank.RIGHTMOST), things) == Meaning((2,), ())


def test_what_is_closest_to_something_is_not_that_itself() -> None:
    things = [thing("red", "cube"), thing("red", y_m=0.1), thing("red", y_m=-0.2), thing("blue", x_m=0.05)]
    assert meaning(related(Relation.CLOSEST_TO, "red"), things) == Meaning((1,), ())
    assert meaning(related(Relation.CLOSEST_TO), things) == Meaning((3,), ())


def test_impossible_descriptions_are_refused() -> None:
    with pytest.raises(ConfigError, match="needs an anchor"):
        Description(relation=Relation.BEHIND)
    with pytest.raises(ConfigError, match="colour and noun alone"):
        Description(relation=Relation.BEHIND, anchor=Description(rank=Rank.BIGGEST))
    with pytest.raises(ConfigError, match="cannot be ranked"):
        related(Relation.CLOSEST_TO, rank=Rank.SMALLER)
