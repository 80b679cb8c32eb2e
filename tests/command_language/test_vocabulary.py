"""Properties of the shared vocabulary."""

from __future__ import annotations

import pytest

from autoglm_embodied.vocabulary import COLOURS, NOUNS, SYNONYMS, unknown_words, words


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("Pick up the red cube!", ("pick", "up", "the", "red", "cube")),
        ("Can you grab the crimson box?", ("grab", "the", "red", "cube")),
        ("pick up the can", ("pick", "up", "the", "cylinder")),
        ("the Green BLOCKS", ("the", "green", "cube")),
        ("", ()),
    ],
)
def test_words_are_lower_case_singular_and_canonical(instruction: str, expected: tuple[str, ...]) -> None:
    assert words(instruction) == expected


def test_synonyms_lead_to_known_words_only() -> None:
    assert set(SYNONYMS.values()) <= {*COLOURS, *NOUNS}
    assert not set(SYNONYMS) & {*COLOURS, *NOUNS}


def test_words_that_name_nothing_known_are_found() -> None:
    assert unknown_words("pick up the purple elephant") == ("elephant",)
    assert unknown_words("could you hand me the yellow sphere, please") == ()
