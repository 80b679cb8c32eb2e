"""Distances and angles: number words, digits, halves and units among tokens to one quantity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoglm_embodied.command_language.lexicon import Token

METRES = {"mm": 0.001, "cm": 0.01, "dm": 0.1, "m": 1.0, "in": 0.0254, "ft": 0.3048}
MEASURES = ("words.by", "words.to")  # "by" or "to" two centimetres
NUMERIC = ("number", "numbers.half", "numbers.point")


@dataclass(frozen=True)
class Quantity:
    """A distance [m] or an angle [deg]."""

    value: float
    unit: str  # "m" or "deg"


def take_quantities(tokens: Sequence[Token], tens_multiply: bool) -> tuple[list[Quantity], list[Token]] | None:
    """The quantities in a sentence and its other tokens; None where a number or a unit cannot be understood.

    Args:
        tokens: of the sentence, without fillers.
        tens_multiply: whether 35 is said as 3 10 5.
    """
    quantities: list[Quantity] = []
    others: list[Token] = []
    tokens = _number_first(tokens)
    at = 0
    while at < len(tokens):
        end, found = _quantity(tokens, at, tens_multiply)
        if end == at:
            others.append(tokens[at])
            end = at + 1
        elif found is None:
            return None
        else:
            quantities.append(found)
        at = end
    return quantities, others


def _number_first(tokens: Sequence[Token]) -> list[Token]:
    """ "Centimetres five" and "centimetres by five", which say about how much, as "by five centimetres"."""
    found = list(tokens)
    for at in [at for at, token in enumerate(tokens) if token.has("units") and not (at and is_number(tokens[at - 1]))]:
        start = at + 1 + (at + 1 < len(found) and found[at + 1].has(*MEASURES))
        end = start
        while end < len(found) and (is_number(found[end]) or (end > start and found[end].has("numbers.and"))):
            end += 1
        adds_half = start < len(found) and found[start].has("numbers.half")  # "a centimetre and a half"
        if end > start and not adds_half and not (end < len(found) and found[end].has("units")):
            found[at:end] = [*found[at + 1 : end], found[at]]
    return found


def amount(quantities: Sequence[Quantity], little: bool) -> dict[str, str]:
    """The slot that says how far: the first quantity, or "little" where only that is said."""
    if not quantities:
        return {"amount": "little"} if little else {}
    value, unit = quantities[0].value, quantities[0].unit
    return {"angle_deg": f"{round(value, 2):g}"} if unit == "deg" else {"distance_m": f"{round(value, 4):g}"}


def _quantity(tokens: Sequence[Token], start: int, tens_multiply: bool) -> tuple[int, Quantity | None]:
    """The quantity that begins at `start`, and its end; an end at `start` says that there is none."""
    whole = tokens[start].value("quantity")
    end = start
    while end < len(tokens) and (is_number(tokens[end]) or (end > start and tokens[end].has("numbers.and"))):
        end += 1
    if whole and end <= start + 1:
        number, unit = whole.split()
        return start + 1, _in_unit(float(number), unit)
    unit = tokens[end].value("units") if end < len(tokens) else ""
    if not unit:
        return start, None
    value = _value(tokens[start:end], tens_multiply)
    end += 1
    after = end + (end < len(tokens) and tokens[end].has("numbers.and"))
    if after < len(tokens) and tokens[after].has("numbers.half") and not tokens[after].has("number"):
        value, end = None if value is None else value + 0.5, after + 1  # "two centimetres and a half"
    return end, None if value is None else _in_unit(value, unit)


def is_number(token: Token) -> bool:
    """Whether a token is a number, or a part of one."""
    return token.number is not None or token.has(*NUMERIC)


def _in_unit(value: float, unit: str) -> Quantity:
    return Quantity(value, "deg") if unit == "deg" else Quantity(value * METRES[unit], "m")


def _value(tokens: Sequence[Token], tens_multiply: bool) -> float | None:
    """The number that tokens say; 1 where there are none ("a centimetre" where there is no article)."""
    if not tokens:
        return 1.0
    points = [at for at, token in enumerate(tokens) if token.has("numbers.point")]
    if len(points) == 1 and 0 < points[0] < len(tokens) - 1:
        whole = _value(tokens[: points[0]], tens_multiply)
        digits = "".join(f"{number:g}" for number in map(_number, tokens[points[0] + 1 :]) if number is not None)
        return whole + float(f"0.{digits}") if whole is not None and digits.isdigit() else None
    if len(tokens) > 1 and tokens[0].has("words.the") and (_number(tokens[1]) or 0) not in (0, 100, 1000):
        tokens = tokens[1:]  # "a twenty degree turn"
    halves = [token for token in tokens if token.has("numbers.half")]
    if points or len(halves) > 1:
        return None
    numbers = [(_number(token), token) for token in tokens if not token.has("numbers.half", "numbers.and")]
    if not halves:
        return _combine([number for number, _ in numbers if number is not None], tens_multiply)
    joined = any(token.has("numbers.and") for token in tokens)
    counted = [number for number, token in numbers if number is not None and (joined or not token.has("words.the"))]
    if tokens.index(halves[0]) == 0 or not counted:  # "half a centimetre"
        return 0.5
    if joined and len(numbers) > 1 and numbers[-1][1].has("words.the") and tokens[-1] is halves[0]:
        counted = counted[:-1]  # "two and a half"
    value = _combine(counted, tens_multiply)
    return None if value is None else value + 0.5


def _number(token: Token) -> float | None:
    said = token.value("number")
    return float(said) if said else token.number


def _combine(numbers: Sequence[float], tens_multiply: bool) -> float | None:
    """One number from its parts: 2 100 40 5, 40 5, 5 40, and 2 100 4 10 5 where tens multiply; else None."""
    if not numbers or min(numbers) < 0:
        return None
    total = last = numbers[0]
    for number in numbers[1:]:
        if number in (100, 1000) and total < number:
            total, last = total * number, number
            continue
        if tens_multiply and number == 10 and 1 < last < 10:
            total += 9 * last
        elif number < 1 or (last % 10 == 0 and number < last) or (last < 10 and number >= 20 and number % 10 == 0):
            total += number
        else:
            return None
        last = number
    return total
