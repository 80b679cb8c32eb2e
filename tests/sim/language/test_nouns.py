"""Nouns: a shape class only where it is true, and doubt where somebody might say so."""

from __future__ import annotations

from autoglm_embodied_sim.language.description import Nouns, nouns_of
from autoglm_embodied_sim.objects.groceries import groceries
from autoglm_embodied_sim.objects.random_urdfs import Split, learning_shapes
from autoglm_embodied_sim.objects.shape import ball, box, cylinder

from autoglm_embodied.vocabulary import NOUNS

NONE: frozenset[str] = frozenset()


def test_primitives_are_called_what_they_are() -> None:
    assert nouns_of(box(0.03, 0.03, 0.03)) == Nouns(frozenset({"cube"}), NONE)
    assert nouns_of(box(0.03, 0.03, 0.05)) == Nouns(NONE, frozenset({"cube"}))
    assert nouns_of(cylinder(0.03, 0.04)).sure == {"cylinder"} and nouns_of(ball(0.03)).sure == {"ball"}


def test_groceries_have_a_name_and_a_can_is_a_cylinder() -> None:
    called = {shape.name: nouns_of(shape) for shape in groceries()}
    assert all(len(nouns.sure) == 1 and nouns.sure <= set(NOUNS) for nouns in called.values())
    assert called["groceries/can"].sure == {"cylinder"}
    assert called["groceries/milk"] == Nouns(frozenset({"milk"}), frozenset({"cube"}))


def test_unknown_objects_are_never_given_a_shape_class() -> None:
    called = [nouns_of(shape) for shape in learning_shapes(Split.VALIDATE)]
    assert all(nouns.sure == NONE for nouns in called)
    assert 0 < sum(bool(nouns.doubtful) for nouns in called) < len(called)
