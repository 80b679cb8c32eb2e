"""The development sentences of each language, with what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "sentences"


@dataclass(frozen=True)
class Sentence:
    """A sentence and its meaning; the intent is "none" where it is no command."""

    text: str
    intent: str
    slots: dict[str, str]


def sentences(language: str) -> list[Sentence]:
    """Those of one language, as files of tab-separated text have them: sentence, intent, key=value;key=value."""
    found = []
    for line in (FOLDER / f"{language}.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            text, intent, slots = line.split("\t")
            found.append(Sentence(text, intent, dict(pair.split("=") for pair in slots.split(";") if pair)))
    return found
