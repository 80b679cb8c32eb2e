"""A language: what the command language is said with in it, read from its file in `languages/` and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from autoglm_embodied.command_language.lexicon import Lexicon
from autoglm_embodied.config import read_yaml
from autoglm_embodied.errors import ConfigError

FOLDER = Path(__file__).parent / "languages"
STOP_WORDS = Path(__file__).parent / "stop_words.yaml"
SECTIONS = {
    "intents": "stop_alone resume cancel yes no faster slower home again other_one not_that_one repeat open close "
    "release question",
    "verbs": "grasp want place give move turn do",
    "colours": "red green blue yellow purple orange black white grey brown pink",
    "sizes": "small large smallest largest tall short long thin",
    "nouns": "cube ball cylinder box can bottle cup mug glass bowl plate spoon fork knife banana apple lemon orange "
    "pear tomato egg bread pen pencil book phone key screwdriver hammer wrench scissors tape sponge brush toy car duck "
    "screw nut battery cable remote tray basket milk cereal teddy",
    "places": "left right middle front back",
    "directions": "up down left right forward back",
    "turns": "left right",
    "relations": "left_of right_of in_front_of behind next_to on in under",
    "units": "mm cm dm m in ft deg",
    "words": "filler particle the it one thing some except and but not dont dont_stop gentle little halfway more "
    "gripper here my_hand meant asks not_object object linking degree find brought rest towards viewer preposition "
    "request by to never excluded off returns relative whose lies rather",
    "anchored": "left_of right_of in_front_of behind next_to",
}
"""What a language file has words for: section, then its values, each with words and phrases between commas."""
IMPLIED = {
    "words.except": ("words.not",),
    "words.excluded": ("words.except", "words.not"),
    "words.off": ("relations.on",),
    "words.rather": ("words.not",),
}
"""Readings that those of another value have, too: "other than" is a "not", though never that of a verb;
what is to be taken "off" the plate lies on it."""
MAY_LACK = {
    *("particle", "object", "the", "orange", "one", "dont", "linking", "degree", "find", "anchored"),
    *(
        "brought",
        "rest",
        "towards",
        "viewer",
        "preposition",
        "request",
        "by",
        "to",
        "never",
        "excluded",
        "off",
        "returns",
        "relative",
        "whose",
        "lies",
        "rather",
    ),
    *("milk", "cereal", "teddy"),
}
SETTINGS = ("name", "spaces", "reference_first", "negation_after", "near_miss", "tens_multiply")
TEXTS = ("letters", "article", "prefixes", "suffixes", "surfaces")
NUMBERS = ("count", "tens", "hundred", "thousand", "joined", "others", "half", "point", "and", "quantities")
_CHOICE = re.compile(r"([(|)])")
_CLASS = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class Language:
    """How commands are said in one language."""

    tag: str  # BCP-47
    name: str
    lexicon: Lexicon
    reference_first: bool  # "left of the bowl" is said as "the bowl's left"
    negation_after: bool  # "not the red one" is said as "the red one not"
    near_miss: bool  # whether misrecognised words are corrected
    tens_multiply: bool  # 35 is said as 3 10 5
    has_article: bool  # whether it has words such as "the"
    surfaces: frozenset[str]  # what all objects lie on or belong to: "table", "group"
    closed_words: tuple[str, ...] = ()  # of commands, all but names of things; none where words are inflected


def tags() -> tuple[str, ...]:
    """The languages there are, as BCP-47 tags."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def require_language(tag: str) -> str:
    """The primary part of a BCP-47 tag such as "en" or "zh-Hant"; ConfigError if no commands are known in it."""
    main = tag.replace("_", "-").partition("-")[0].lower()
    if main not in tags():
        raise ConfigError(f"no commands are known in language {tag!r}; choose one of {', '.join(tags())}")
    return main


def language(tag: str) -> Language:
    """The language of a BCP-47 tag; ConfigError if there is none."""
    return _read(require_language(tag))


@lru_cache
def _read(tag: str) -> Language:
    return read_language(FOLDER / f"{tag}.yaml")


def read_language(path: Path) -> Language:
    """The language in a file, with the stop words of all languages.

    Raises:
        ConfigError: a section or value that is unknown or missing, or a phrase that is empty or means two things.
    """
    values = _without_classes(read_yaml(path), path)
    known = {*SECTIONS, *SETTINGS, *TEXTS, "numbers"}
    if unknown := sorted(set(values) - known):
        raise ConfigError(f"{path} has an unknown section {unknown[0]!r}; allowed are {', '.join(sorted(known))}")
    for name in SETTINGS[1:]:
        if not isinstance(values.get(name, False), bool):
            raise ConfigError(f"{path}: {name} must be true or false, got {values[name]!r}")
    letters = _text(values, "letters", path).split()
    if any(len(pair) != 2 for pair in letters):
        raise ConfigError(f"{path}: letters must be pairs, the variant first, got {letters!r}")
    lexicon = Lexicon(
        spaces=bool(values.get("spaces", True)),
        prefixes=_text(values, "prefixes", path).split(),
        suffixes=_text(values, "suffixes", path).split(),
        letters={ord(pair[0]): pair[1] for pair in letters},
        article=_text(values, "article", path),
    )
    for section, names in SECTIONS.items():
        if section in MAY_LACK and section not in values:
            continue
        _add_section(lexicon, section, names.split(), values.get(section, {}), path)
    _add_numbers(lexicon, values.get("numbers", {}), path)
    own = _phrases(read_yaml(STOP_WORDS), path.stem, STOP_WORDS)
    closed = {*lexicon.words, *(word for phrase in own for word in phrase.split())} if values.get("near_miss") else ()
    _add_stop_words(lexicon, path.stem)
    flags = {name: values.get(name, False) for name in SETTINGS[2:]}
    return Language(
        path.stem,
        _text(values, "name", path),
        lexicon,
        **flags,
        has_article="the" in values["words"],
        surfaces=frozenset(_text(values, "surfaces", path).split()),
        closed_words=tuple(sorted(closed)),
    )


def _without_classes(values: dict[str, Any], path: Path) -> dict[str, Any]:
    """The sections with the phrases of its class for each "<name>"; a class may use those above it."""
    classes: dict[str, str] = {}
    written = values.get("classes", {})
    if not isinstance(written, dict):
        raise ConfigError(f"{path}: classes must be a mapping of names to phrases, got {written!r}")

    def spelled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: spelled(each) for name, each in value.items()}
        return _CLASS.sub(lambda found: f"({classes[found[1]]})", value) if isinstance(value, str) else value

    try:
        for name, phrases in written.items():
            classes[name] = "|".join(_phrases({name: spelled(phrases)}, name, path))
        return {name: spelled(value) for name, value in values.items() if name != "classes"}
    except KeyError as error:
        raise ConfigError(f"{path}: there is no class {error}; define it above its first use in classes") from error


def _text(values: Mapping[str, Any], name: str, path: Path) -> str:
    found = values.get(name, "")
    if not isinstance(found, str):
        raise ConfigError(f"{path}: {name} must be text, with commas between phrases, got {found!r}")
    return found


def _phrases(values: Mapping[str, Any], name: str, path: Path) -> list[str]:
    phrases = [each for phrase in _text(values, name, path).split(",") for each in _choices(phrase)]
    if not all(any(letter.isalnum() or letter == "°" for letter in phrase) for phrase in phrases):
        raise ConfigError(f"{path}: {name} has an empty phrase; write at least one word between two commas")
    return phrases


def _choices(phrase: str) -> list[str]:
    """Every phrase that "(on|at|) the left" stands for; choices may be in choices."""
    found = _alternatives(iter(_CHOICE.split(phrase))) if "(" in phrase else [phrase]
    return list(dict.fromkeys(" ".join(each.split()) for each in found))


def _alternatives(parts: Iterator[str]) -> list[str]:
    """What can be said up to the end of the parts, or of the choice that they are in."""
    ended: list[str] = []
    said = [""]
    for part in parts:
        if part == ")":
            break
        if part == "|":
            ended, said = ended + said, [""]
        else:
            after = _alternatives(parts) if part == "(" else [part]
            said = [f"{each}{more}" for each in said for more in after]
    return ended + said


def _add_section(lexicon: Lexicon, section: str, names: list[str], values: object, path: Path) -> None:
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: {section} must be a mapping, got {values!r}")
    if wrong := sorted(set(values) - set(names)) or sorted(set(names) - set(values) - MAY_LACK):
        raise ConfigError(
            f"{path}: {section} must have words for each of {', '.join(names)}, and no others; see {wrong[0]!r}"
        )
    seen: dict[str, str] = {}
    for name in values:
        for phrase in _phrases(values, name, path):
            if section not in ("words", "verbs", "intents") and seen.setdefault(phrase, name) != name:
                raise ConfigError(f"{path}: {phrase!r} means {seen[phrase]} and {name}; leave it out of one")
            for reading in (f"{section}.{name}", *IMPLIED.get(f"{section}.{name}", ())):
                lexicon.add(phrase, reading)


def _add_numbers(lexicon: Lexicon, values: object, path: Path) -> None:
    if not isinstance(values, dict) or set(values) - set(NUMBERS) or "count" not in values:
        raise ConfigError(f"{path}: numbers must have count, and may have {', '.join(NUMBERS[1:])}")
    for words, number in _number_words(values, path):
        for word in words.split("|"):
            lexicon.add(word, f"number.{number}")
    for name in ("half", "point", "and"):
        for phrase in _phrases(values, name, path) if name in values else ():
            lexicon.add(phrase, f"numbers.{name}")
    for table, section in (("others", "number"), ("quantities", "quantity")):
        for value in values.get(table, {}):
            for phrase in _phrases(values[table], value, path):
                lexicon.add(phrase, f"{section}.{value}")


def _number_words(values: Mapping[str, Any], path: Path) -> Iterator[tuple[str, int]]:
    """Words of numbers, with "|" between those of the same number, and the number."""
    count = _phrases(values, "count", path)
    tens = _phrases(values, "tens", path) if "tens" in values else []
    yield from zip(count, range(len(count)), strict=True)
    yield from zip(tens, range(20, 20 + 10 * len(tens), 10), strict=True)
    for name, number in (("hundred", 100), ("thousand", 1000)):
        yield from ((phrase, number) for phrase in (_phrases(values, name, path) if name in values else ()))
    if "joined" in values:  # "five and twenty" in one word
        for ten, word in enumerate(tens):
            for unit in range(1, 10):
                for said in count[unit].split("|"):
                    yield values["joined"].format(unit=said, ten=word), 20 + 10 * ten + unit


def _add_stop_words(lexicon: Lexicon, tag: str) -> None:
    """Add the stop words of all languages; one that means something else in this one stops when it is said alone."""
    values = read_yaml(STOP_WORDS)
    for phrase in _phrases(values, tag, STOP_WORDS):
        lexicon.add(phrase, "intents.stop")
    for other in values:
        for phrase in _phrases(values, other, STOP_WORDS):
            known = any(token.readings for token in lexicon.tokens(phrase))
            lexicon.add(phrase, "intents.stop_alone" if known else "intents.stop")
