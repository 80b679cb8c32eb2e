"""Instructions: the slots of a grasp as the canonical English sentence that the policy takes."""

from __future__ import annotations

from autoglm_embodied.vocabulary import SYNONYMS
from autoglm_embodied.voice.description import Slots

PLACE_PHRASES = {
    **{"left": "on the left", "right": "on the right", "middle": "in the middle"},
    **{"front": "at the front", "back": "at the back"},
}


def instruction_of(slots: Slots) -> str:
    """The instruction for the policy, such as "pick up the small red cube left of the bowl"; without gentleness."""
    parts = ["pick up", _noun_phrase(slots, "")]
    if place := slots.get("place"):
        parts.append(PLACE_PHRASES[place])
    if relation := slots.get("relation"):
        parts += [relation.replace("_", " "), _noun_phrase(slots, "ref_")]
    if slots.keys() & {"not_colour", "not_noun"}:
        parts += ["not", _noun_phrase(slots, "not_")]
    return " ".join(parts)


def _noun_phrase(slots: Slots, prefix: str) -> str:
    said = [slots.get(f"{prefix}size", ""), slots.get(f"{prefix}colour", ""), slots.get(f"{prefix}noun", "one")]
    return f"the {' '.join(SYNONYMS.get(word, word) for word in ' '.join(said).split())}"
