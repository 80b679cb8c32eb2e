"""Instructions: the slots of a grasp as the canonical English sentence that the policy takes."""

from __future__ import annotations

from collections.abc import Sequence

from autoglm_embodied.vocabulary import SYNONYMS
from autoglm_embodied.voice.description import Slots

PLACE_PHRASES = {
    **{"left": "on the left", "right": "on the right", "middle": "in the middle"},
    **{"front": "at the front", "back": "at the back"},
}


def instruction_of(slots: Slots, unknown: Sequence[str] = ()) -> str:
    """The instruction for the policy, such as "pick up the small red cube left of the bowl"; gentleness is not in it.

    Args:
        slots: of the description.
        unknown: words of it that are in no vocabulary; they stay, so that the policy can refuse them.
    """
    named = f"{slots.get('noun', '')} {slots.get('ref_noun', '')}".split()
    extra = [word for word in unknown if word not in named]
    parts = ["pick up", _noun_phrase(slots, "", extra)]
    if place := slots.get("place"):
        parts.append(PLACE_PHRASES[place])
    if relation := slots.get("relation"):
        parts += [relation.replace("_", " "), _noun_phrase(slots, "ref_")]
    if slots.keys() & {"not_colour", "not_noun"}:
        parts += ["not", _noun_phrase(slots, "not_")]
    return " ".join(parts)


def _noun_phrase(slots: Slots, prefix: str, extra: Sequence[str] = ()) -> str:
    said = [slots.get(f"{prefix}size"), slots.get(f"{prefix}colour"), *extra, slots.get(f"{prefix}noun", "one")]
    return f"the {' '.join(SYNONYMS.get(word, word) for word in said if word)}"
