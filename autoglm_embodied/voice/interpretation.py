"""Interpretation: the command that was meant, of all that may have been said, and how probably it is the right one.

The hypotheses of one meaning (intent and slots) count together. How far the likeliest meaning is above the next one,
and above all that is no command, tells right from wrong; the probability of its text alone does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autoglm_embodied.command_language.command import ParsedCommand
from autoglm_embodied.command_language.grammar import parse_command
from autoglm_embodied.command_language.language import language as language_of
from autoglm_embodied.command_language.near_miss import may_be_negated
from autoglm_embodied.command_language.prohibition import is_prohibition
from autoglm_embodied.voice.recogniser import Hypothesis, Transcript

MARGIN = 1  # among the features
SHARPNESS = 2.0  # of a margin: hypotheses that are no command take their share of it
FURTHEST = 8.0  # natural logarithm of odds beyond which a margin tells no more
WEIGHTS = (1.69, 0.26, 0.42, 0.65, 0.48, -0.96, -0.61)
"""Of the features of an interpretation, by `autoglm bench voice --calibrate`, for tiny.en."""


@dataclass(frozen=True)
class Interpretation:
    """A command that may be meant."""

    command: ParsedCommand
    text: str  # the likeliest one of this meaning
    features: tuple[float, ...]  # one for each of WEIGHTS
    may_be_prohibited: bool = False  # what may have been said as well is not to do something: "never let go"

    @property
    def probability(self) -> float:
        """0..1, that this was meant: `sigmoid(features @ WEIGHTS)`, at most what the margin to the next one allows."""
        fits = sum(weight * feature for weight, feature in zip(WEIGHTS, self.features, strict=True))
        return 1.0 / (1.0 + math.exp(-fits)) / (1.0 + math.exp(-SHARPNESS * self.features[MARGIN]))


def interpret(transcript: Transcript, language: str) -> Interpretation | None:
    """The likeliest command of all hypotheses; None where none of them is one.

    Args:
        transcript: what may have been said.
        language: BCP-47.
    """
    meanings: list[tuple[ParsedCommand | None, list[Hypothesis]]] = []
    for each in transcript.hypotheses:
        command = parse_command(each.text, language)
        same = [found for meaning, found in meanings if meaning == command]
        if same:
            same[0].append(each)
        else:
            meanings.append((command, [each]))
    commands = sorted(((_together(found), command, found[0]) for command, found in meanings if command), key=_score)
    if not commands:
        return None
    score, command, best = commands[-1]
    next_best = commands[-2][0] if len(commands) > 1 else -math.inf
    others = next((_together(found) for command, found in meanings if command is None), -math.inf)
    spoken = language_of(language)
    tokens = spoken.lexicon.tokens(best.text)
    features = (
        1.0,
        min(score - next_best, FURTHEST),
        max(-FURTHEST, min(score - others, FURTHEST)),
        best.log_probability / best.tokens,
        transcript.hypotheses[0].log_probability / transcript.hypotheses[0].tokens,
        float(sum(not token.readings and token.number is None for token in tokens)),  # unknown words
        math.log(len(tokens)),
    )
    prohibited = any(is_prohibition(each.text, language) for each in transcript.hypotheses)
    return Interpretation(command, best.text, features, prohibited or (spoken.near_miss and may_be_negated(best.text)))


def _score(scored: tuple[float, ParsedCommand, Hypothesis]) -> float:
    return scored[0]


def _together(hypotheses: Sequence[Hypothesis]) -> float:
    """The logarithm of the summed probabilities."""
    most = max(each.log_probability for each in hypotheses)
    return most + math.log(sum(math.exp(each.log_probability - most) for each in hypotheses))
