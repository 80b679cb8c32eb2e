"""Two grammars: whole, without a template in common, and each sentence says one thing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from autoglm_embodied_sim.eval.splits import MEASURING_GRAMMAR
from autoglm_embodied_sim.language.description import Description, Rank, Relation
from autoglm_embodied_sim.language.grammar import LEARNING_GRAMMAR, Grammar

from autoglm_embodied.errors import ConfigError

BOTH = pytest.mark.parametrize("grammar", [LEARNING_GRAMMAR, MEASURING_GRAMMAR], ids=["learning", "measuring"])
BLUE_CAN = Description("blue", "cylinder")
WHOLE = Description("blue", None, Rank.SMALLER, Relation.LEFT_OF, Description(noun="cylinder"))


def test_the_grammars_share_no_template() -> None:
    learning, measuring = LEARNING_GRAMMAR.templates, MEASURING_GRAMMAR.templates
    assert learning & measuring == frozenset()
    assert len(learning) > 20 and len(measuring) > 20
    first_words = [{template.split()[0] for template in g.requests} for g in (LEARNING_GRAMMAR, MEASURING_GRAMMAR)]
    assert first_words[0] & first_words[1] == set()


def descriptions() -> list[Description]:
    anchors = [Description("red"), Description(noun="milk"), Description("red", "ball")]
    relations = [(None, None), *((relation, anchor) for relation in Relation for anchor in anchors)]
    return [
        Description(colour, noun, rank, relation, anchor)
        for colour in (None, "blue")
        for noun in (None, "cube")
        for rank in (None, *Rank)
        for relation, anchor in relations
        if not (rank and relation is Relation.CLOSEST_TO)
    ]


@BOTH
def test_no_sentence_says_two_things(grammar: Grammar) -> None:
    rng = np.random.default_rng(0)
    saying: dict[str, Description] = {}
    for description in descriptions():
        for _ in range(8):
            sentence = grammar.sentence(description, rng)
            assert saying.setdefault(sentence, description) == description
            assert "  " not in sentence and sentence == sentence.strip()


def test_the_words_come_in_the_order_of_the_grammar() -> None:
    def all_said(grammar: Grammar) -> set[str]:
        rng = np.random.default_rng(0)
        return {grammar.sentence(WHOLE, rng) for _ in range(300)}

    assert "grab the smaller blue one left of the can" in all_said(LEARNING_GRAMMAR)
    asked = "the one in blue that is, among those lying on the left-hand side of that can, the smaller of the two"
    assert f"bring me {asked}" in all_said(MEASURING_GRAMMAR)


@BOTH
def test_a_thing_without_a_noun_is_no_shape(grammar: Grammar) -> None:
    rng = np.random.default_rng(0)
    said = " ".join(grammar.phrase(Description("red"), rng) for _ in range(100)).split()
    assert set(said) <= {"the", "red", "object", "thing", "one", "item", "that", "is", "in"}
    assert not any("one" in grammar.phrase(Description(), rng).split() for _ in range(50))


def test_a_grammar_with_gaps_is_refused() -> None:
    with pytest.raises(ConfigError, match="every rank"):
        replace(LEARNING_GRAMMAR, ranks={})
    with pytest.raises(ConfigError, match="must hold object"):
        replace(LEARNING_GRAMMAR, requests=("grab it",))
