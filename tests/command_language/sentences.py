"""The development and held-out sentences of each language, with what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DEVELOPMENT, HELD_OUT = "sentences", "held_out"


@dataclass(frozen=True)
class Sentence:
    """A sentence and its meaning; the intent is "none" where it is no command."""

    text: str
    intent: str
    slots: dict[str, str]


def sentences(language: str, folder: str = DEVELOPMENT) -> list[Sentence]:
    """Those of one language; its file in the folder holds sentence, intent, key=value;key=value, separated by tabs."""
    found = []
    for line in Path(__file__).with_name(folder).joinpath(f"{language}.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            text, intent, slots = (f"{line}\t\t").split("\t")[:3]
            found.append(Sentence(text, intent, dict(pair.split("=") for pair in slots.split(";") if pair)))
    return found
