"""Prohibitions: sentences that say not to do something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from autoglm_embodied.command_language.language import language
from autoglm_embodied.command_language.lexicon import Token
from autoglm_embodied.command_language.paraphrase import without_fillers

ACTIONS = (
    "verbs",
    *(f"intents.{name}" for name in "release open close home resume faster slower again cancel".split()),
)


def is_prohibition(text: str, tag: str) -> bool:
    """Whether a sentence in the language `tag` says not to do something, or to stop: "never let go", "don't move"."""
    content = contrasted(without_fillers(language(tag).lexicon.tokens(text)))
    stops = any(token.has("intents.stop", "intents.stop_alone") and not token.has("verbs") for token in content)
    return stops or is_prohibited(content)


def contrasted(content: Sequence[Token]) -> Sequence[Token]:
    """ "Take the spoon, don't take the fork" as "take the spoon, not the fork"."""
    at = next((at for at in reversed(range(1, len(content))) if content[at].pause), len(content))
    before, clause = content[:at], list(content[at:])
    negations = [at for at, token in enumerate(clause) if token.has("words.dont", "words.not")]
    verbs = [at for at, token in enumerate(clause) if token.has("verbs.grasp")]
    if len(negations) != 1 or verbs != [negations[0] + 1] or is_prohibited(before):
        return content
    if not any(token.has("verbs.grasp") and not token.has("words.dont", "words.not") for token in before):
        return content
    negation = clause[negations[0]]
    clause[negations[0] : verbs[0] + 1] = [replace(negation, readings=frozenset({"words.not"}))]
    return [*before, *clause]


def is_prohibited(content: Sequence[Token]) -> bool:
    """Whether tokens without fillers say not to do something: "don't", or "not" directly before a verb.

    What only says that something is asked for is no word between the two: "not to be supposed to take".
    """
    without_requests = [token for token in content if not token.has("words.request")]
    return _forbids(content) or _forbids(without_requests)


def _forbids(content: Sequence[Token]) -> bool:
    for at, token in enumerate(content):
        following = content[at + 1] if at + 1 < len(content) else None
        if token.has("words.dont", "words.dont_stop") and not token.has("words.not", "intents"):
            return True
        names_one = token.has("words.except") and token.has("words.one")  # "the one that is not red" take
        if following is None or following.pause or following.has("words.never") or names_one:
            continue
        if token.has("words.not") and following.has(*ACTIONS):
            return True
    return False
