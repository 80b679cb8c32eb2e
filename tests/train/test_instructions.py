"""Sentences: what they fit, and that the words the model gets say which object is meant."""

from __future__ import annotations

import numpy as np
import pytest

from autoglm_embodied.model.build import grasp_config
from autoglm_embodied.model.encoders import PADDING, UNKNOWN, word_ids
from autoglm_embodied.train.instructions import Description, any_description, matches, naming
from autoglm_embodied.vocabulary import unknown_words

OBJECTS = [("red", "cube"), ("red", "ball"), ("blue", "cube")]


def test_naming_fits_the_target_alone() -> None:
    rng = np.random.default_rng(0)
    for target in range(len(OBJECTS)):
        said = {naming(OBJECTS, target, rng).sentence("grab") for _ in range(50)}
        assert all(matches(d, OBJECTS) == [target] for d in (naming(OBJECTS, target, rng) for _ in range(50)))
        assert not any(unknown_words(sentence) for sentence in said)


def test_random_descriptions_fit_none_one_and_many() -> None:
    rng = np.random.default_rng(0)
    counts = [len(matches(any_description(OBJECTS, rng), OBJECTS)) for _ in range(300)]
    assert {0, 1, 2} <= set(counts)


@pytest.mark.parametrize(
    ("sentence", "known"),
    [("pick up the red cube", ("red", "cube")), ("please grab the crimson box", ("red", "cube")), ("take it", ())],
)
def test_words_reach_the_model(sentence: str, known: tuple[str, ...]) -> None:
    config = grasp_config()
    ids = [identity for identity in word_ids(sentence, config.words, config.max_words) if identity != PADDING]
    assert ids == ([config.words.index(word) + 2 for word in known] or [UNKNOWN])


def test_a_description_without_words_fits_everything() -> None:
    assert matches(Description(None, None), OBJECTS) == [0, 1, 2]
