"""A lexicon: text is folded, split into units, and cut at least cost into tokens with all their readings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

# Accents that no letter carries, Arabic short vowels, joiners, marks of direction.
MARKS = "\u0300-\u036f\u0640\u064b-\u065f\u0670\u200b-\u200f\u202a-\u202e\u2066-\u2069"
_DROPPED = re.compile(f"[{MARKS}\u093c]")
_INVISIBLE = re.compile(f"[{MARKS}\ufeff]")
_DEVANAGARI = "\u0900-\u0963\u0970-\u097f"  # whose vowel signs are no letters to Unicode
_UNIT = re.compile(rf"-?\d+(?:[.,٫]\d+)?|(?:[^\W\d_]|[{_DEVANAGARI}])+|°|[,.;:!?،؛؟。、！？，；：।…—–\"]")
_FRACTION = re.compile("[¼½¾⅓⅔]")
_NO_WORD = re.compile(r"[,.;:!?،؛؟。、！？，；：।…—–\"]")
_SCRIPT = re.compile(
    r"[\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]|[^\u3005\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]+"
)
_NASAL = re.compile(
    "[\u0919\u091e\u0923\u0928\u092e]\u094d(?=[\u0915-\u092e])|\u0901"
)  # before its consonant, or a moon
_LETTERS = str.maketrans("ىةیک", "يهيك")

KNOWN_COST = 1.0
PHRASE_COST = 0.75  # of two letters or more of a script without spaces: less than a leading letter and a particle
PARTICLE_COST = 0.3
LEADING_COST = 0.5  # of a first word of one letter, or a relation after it, so that it is found beside an unknown one
PARTICLE = "words.particle"
LEADING = ("verbs.", "words.")
UNKNOWN_COST = 3.0
UNKNOWN_LETTER_COST = 0.6  # so that a known word of two letters is found beside an unknown one, but none of one letter


def fold(text: str) -> str:
    """Lower case without accents, short vowels and widths; letters that are written in two ways in one."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    spelled = _NASAL.sub("\u0902", _DROPPED.sub("", decomposed))
    return unicodedata.normalize("NFC", spelled).translate(_LETTERS)


@dataclass(frozen=True)
class Unit:
    """A word, a number, or a letter of a script without spaces."""

    text: str  # folded
    said: str  # lower case, without article
    apart: bool = True  # a space or a pause is before it
    pause: bool = False


@dataclass(frozen=True)
class Token:
    """One or several units that mean one thing; `readings` are "section.value", none where the text is unknown."""

    said: str
    readings: frozenset[str] = frozenset()
    pause: bool = False  # a comma or the like is before it
    number: float | None = None

    def has(self, *readings: str) -> bool:
        """Whether one of `readings`, or one in one of these sections, is among its own."""
        return any(reading in self.readings or self.value(reading) for reading in readings)

    def value(self, section: str) -> str:
        """The value of its reading in `section`; empty if there is none."""
        return next((each[len(section) + 1 :] for each in sorted(self.readings) if each.startswith(f"{section}.")), "")


def number_in(text: str) -> float | None:
    """The value of digits, such as "2" or "2,5"; None for anything else."""
    if not text.lstrip("-")[:1].isdigit() or len(text) > 12:
        return None
    return float(text.replace("٫", ".").replace(",", "."))


@dataclass
class _Node:
    words: dict[str, _Node] = field(default_factory=dict)
    stems: dict[str, _Node] = field(default_factory=dict)
    readings: set[str] = field(default_factory=set)
    longest_stem: int = 0

    def next(self, unit: str) -> Iterator[_Node]:
        """Where a unit leads: by itself first, then by its longest stem."""
        if unit in self.words:
            yield self.words[unit]
        for length in range(min(len(unit), self.longest_stem), 0, -1):
            if unit[:length] in self.stems:
                yield self.stems[unit[:length]]
                return


class Lexicon:
    """Phrases and their readings. A `*` ends a stem, which stands for every word that begins so.

    Args:
        spaces: whether words are written apart.
        prefixes: what may be written together with the word after it, longest first.
        suffixes: the same, with the word before it.
        letters: variants of letters, such as traditional to simplified Chinese.
        article: one that is written together with its noun, and left off every word.
    """

    def __init__(
        self,
        spaces: bool = True,
        prefixes: Sequence[str] = (),
        suffixes: Sequence[str] = (),
        letters: Mapping[int, str] | None = None,
        article: str = "",
    ) -> None:
        self._spaces = spaces
        self._letters = letters or {}
        self._article = article
        self._prefixes, self._suffixes = ([fold(each) for each in affixes] for affixes in (prefixes, suffixes))
        self._root = _Node()
        self._words: set[str] = set()
        self._parts_of: dict[str, list[tuple[str, bool]]] = {}
        self._gaps: list[tuple[str, str, str]] = []  # reading of the first part, of the last, and of both

    def add(self, phrase: str, reading: str) -> None:
        """Add a phrase; "turn ... off" is one of two parts with anything between them."""
        first, gap, last = phrase.partition("...")
        if gap:
            parts = f"gap.{first.strip()}", f"gap.{last.strip()}"
            self._gaps.append((*parts, reading))
            for part, name in zip((first, last), parts, strict=True):
                self.add(part, name)
            return
        node = self._root
        for unit, is_stem in self._split(phrase):
            table = node.stems if is_stem else node.words
            self._words.add(unit)
            if is_stem:
                node.longest_stem = max(node.longest_stem, len(unit))
            node = table.setdefault(unit, _Node())
        node.readings.add(reading)

    def _split(self, phrase: str) -> list[tuple[str, bool]]:
        return [part for word in phrase.split() for part in self._parts(word)]

    def _parts(self, word: str) -> list[tuple[str, bool]]:
        if word not in self._parts_of:  # the same words are in many phrases
            self._parts_of[word] = [(unit.text, word.endswith("*")) for unit in self._units(word)]
        return self._parts_of[word]

    def _units(self, text: str) -> list[Unit]:
        """Its words, numbers, and letters of scripts without spaces."""
        found: list[Unit] = []
        pause, end = False, -1
        spelled = _FRACTION.sub(lambda sign: f" {unicodedata.numeric(sign[0]):.2f} ", text.replace("º", "°"))
        for match in _UNIT.finditer(_INVISIBLE.sub("", unicodedata.normalize("NFKC", spelled)).lower()):
            if _NO_WORD.match(match[0]):
                pause = True
                continue
            apart = match.start() != end or pause
            for said in [match[0]] if self._spaces else _SCRIPT.findall(match[0]):
                folded = self._without_article(fold(said).translate(self._letters))
                found.append(Unit(folded, self._without_article(said), apart, pause))
                apart = pause = False
            end = match.end()
        return found

    @property
    def words(self) -> set[str]:
        """All words of its phrases, folded; of a stem also what English adds to it."""
        return self._words | {f"{stem}{ending}" for stem in self._root.stems for ending in ("s", "es")}

    def readings(self, phrase: str) -> frozenset[str]:
        """The readings of a whole phrase; none where it is unknown."""
        whole = self._units(phrase)
        return next((readings for end, readings in self._matches(whole, 0) if end == len(whole)), frozenset())

    def tokens(self, text: str) -> list[Token]:
        """`text` cut into the fewest known phrases and the least that is unknown. Time is linear in its length."""
        found = [self._without_affixes(unit) for unit in self._units(text)]
        return self._close_gaps(self._cut(found))

    def _without_article(self, word: str) -> str:
        return word.removeprefix(self._article) if len(word) > len(self._article) + 1 else word

    def _known(self, word: str) -> bool:
        return word in self._words or any(True for _ in self._root.next(word))

    def _without_affixes(self, unit: Unit) -> Unit:
        if not self._spaces or self._known(unit.text) or len(unit.text) > 40:
            return unit
        for prefix in ("", *self._prefixes):
            bare = unit.text.removeprefix(prefix)
            if prefix and bare == unit.text:
                continue
            for suffix in ("", *self._suffixes):
                word = bare.removesuffix(suffix)
                if len(word) > 1 and (not suffix or word != bare) and self._known(word):
                    return Unit(word, unit.said, unit.apart, unit.pause)
        return unit

    def _matches(self, found: Sequence[Unit], start: int) -> Iterator[tuple[int, frozenset[str]]]:
        """The phrases that begin at `start`: their ends and readings."""
        level, end, ends = [self._root], start, {}
        while level and end < len(found):
            unit = found[end]
            if end > start and unit.pause:
                break
            level = [after for node in level for after in node.next(unit.text)]
            end += 1
            gaps = {reading for node in level for reading in node.readings if reading.startswith("gap.")}
            best = next((node.readings - gaps for node in level if node.readings - gaps), set())
            if best or gaps:
                ends[end] = frozenset(best | gaps)
        yield from ends.items()

    def _cut(self, found: Sequence[Unit]) -> list[Token]:
        best: list[tuple[float, int, frozenset[str]]] = [(0.0, 0, frozenset())]
        best += [(float("inf"), 0, frozenset())] * len(found)
        unknown: list[tuple[float, int]] = [(float("inf"), 0)] * (len(found) + 1)  # cost and start of an unknown word
        for start, unit in enumerate(found):
            cost = best[start][0]
            for end, readings in self._matches(found, start):
                if unit.apart and PARTICLE in readings:  # nothing is before it that it could belong to
                    readings -= {PARTICLE, "words.object"}
                if readings:
                    total = cost + self._cost(unit, end - start, readings, start > 0 and not best[start][2])
                    if total < best[end][0]:
                        best[end] = (total, start, readings)
            if number_in(unit.text) is not None:
                best[start + 1] = min(
                    best[start + 1], (cost + KNOWN_COST, start, frozenset()), key=lambda each: each[0]
                )
                continue
            opened = (cost + UNKNOWN_COST + UNKNOWN_LETTER_COST, start)
            run = (unknown[start][0] + UNKNOWN_LETTER_COST, unknown[start][1])
            unknown[start + 1] = opened if self._spaces or unit.apart else min(opened, run)
            if unknown[start + 1][0] < best[start + 1][0]:
                best[start + 1] = (*unknown[start + 1], frozenset())
        return self._walk_back(found, best)

    def _cost(self, unit: Unit, length: int, readings: frozenset[str], after_unknown: bool) -> float:
        if self._spaces:
            return KNOWN_COST
        if PARTICLE in readings:
            return PARTICLE_COST
        leads = unit.apart and length == 1 and any(each.startswith(LEADING) for each in readings)
        follows = (
            after_unknown and not unit.apart and length == 1 and any(each.startswith("relations.") for each in readings)
        )
        return LEADING_COST if leads or follows else KNOWN_COST if length == 1 else PHRASE_COST

    def _walk_back(self, found: Sequence[Unit], best: Sequence[tuple[float, int, frozenset[str]]]) -> list[Token]:
        tokens, end = [], len(found)
        glue = " " if self._spaces else ""
        while end:
            _, start, readings = best[end]
            said = glue.join(unit.said for unit in found[start:end])
            number = number_in(found[start].text) if not readings and end - start == 1 else None
            tokens.append(Token(said, readings, found[start].pause, number))
            end = start
        return tokens[::-1]

    def _close_gaps(self, tokens: list[Token]) -> list[Token]:
        """Give both parts of "turn ... off" their meaning, which takes the place of that of the first part alone."""
        found: dict[int, set[str]] = {}
        ends = set()
        said = {reading for token in tokens for reading in token.readings}
        for first, last, reading in (gap for gap in self._gaps if {*gap[:2]} <= said):
            opens = next((at for at, token in enumerate(tokens) if first in token.readings), None)
            closes = next((at for at in reversed(range(len(tokens))) if last in tokens[at].readings), None)
            if opens is not None and closes is not None and opens < closes:
                found.setdefault(opens, set()).add(reading)
                ends.add(closes)
        closed = {at: tokens[at].readings | {"words.filler"} for at in ends} | found
        return [replace(token, readings=frozenset(closed.get(at, token.readings))) for at, token in enumerate(tokens)]
