"""Reads settings, which are frozen dataclasses of the rooms, from YAML; checks every key, kind and magnitude."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from reprlib import Repr
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml

from autoglm_embodied.errors import ConfigError

S = TypeVar("S")
FRACTION = r"(\d+(?:\.\d+)?)"
OF_PI = re.compile(rf"([-+]?){FRACTION}?\s*\*?\s*(?:\w+\.)?pi(?:\s*/\s*{FRACTION})?", re.IGNORECASE)
EXPONENT = re.compile(r"([-+]?)(\d*)\.?(\d*)[eE]([-+]?)(\d+)")
WITH_UNIT = re.compile(rf"([-+]?{FRACTION})\s*[a-zA-Z°%]+")
MAX_INTEGER = 2**63 - 1
NS = 1000  # a shorter time than this many nanoseconds was meant in another unit
MAGNITUDES = {  # by the end of a setting's name: the largest value that is plausible, and what it then says
    "_n_m": (1e6, "newton metres"),
    "_m": (10.0, "metres, not millimetres"),
    "_m_s": (10.0, "metres a second, not millimetres"),
    "_m_s2": (1000.0, "metres a second squared, not millimetres"),
    "_rad": (4 * math.pi, "radians, not degrees"),
    "_rad_s": (20.0, "radians a second, not degrees"),
    "_kg": (50.0, "kilograms, not grams"),
}
KINDS: dict[type, tuple[str, Callable[[Any], bool]]] = {
    bool: ("true or false", lambda value: isinstance(value, bool)),
    str: ("text", lambda value: isinstance(value, str)),
    int: ("a whole number", lambda value: type(value) is int and abs(value) <= MAX_INTEGER),
    float: ("a finite number", lambda value: type(value) in (int, float) and abs(value) <= sys.float_info.max),
}
shown = Repr()
shown.maxstring = shown.maxother = 60
shown.maxlist = shown.maxtuple = 9


class _Loader(yaml.SafeLoader):
    """Numbers, true, false and null as YAML 1.2 writes them; all else is text, and a key must stand once."""

    yaml_implicit_resolvers = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """See SafeLoader."""
        seen = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(
                    problem=f"a key must be text, got {key.value!r}; write it in quotes", problem_mark=key.start_mark
                )
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"setting {key.value!r} must stand once; remove one", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"({_pattern})$"), list(_first))


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; ConfigError if it cannot be read, is no mapping, or holds a key twice."""
    try:
        loaded = yaml.load(path.read_bytes(), _Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"cannot read settings from {path}{line}: {error.problem}") from error
    except OSError as error:
        raise ConfigError(f"cannot read settings from {path}: {error.strerror}; name a file that is there") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read settings from {path}: {' '.join(str(error).split())}") from error
    if not isinstance(loaded, dict):
        raise ConfigError(f"{path} must hold a mapping of settings, got {type(loaded).__name__}")
    return loaded


def build(cls: type[S], values: object, source: str) -> S:
    """Construct settings; ConfigError if a key is unknown or missing, or a value is not allowed.

    Args:
        cls: a frozen dataclass that validates its values in `__post_init__`; its fields may be such dataclasses.
        values: a mapping of key to value; lists become tuples.
        source: file or origin of the values, for errors.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{source} must hold a mapping of settings, got {_shown(values)}")
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigError(f"{source}: unknown setting {unknown[0]!r}; known are {', '.join(sorted(known))}")
    needed = [name for name, field in known.items() if field.default is field.default_factory is MISSING]
    missing = [name for name in needed if name not in values]
    if missing:
        raise ConfigError(f"{source}: setting {missing[0]!r} is missing")
    kinds = get_type_hints(cls)
    checked = {key: _checked(kinds[key], value, f"{source}: {key}") for key, value in values.items()}
    try:
        return cls(**checked)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error


def _checked(kind: Any, value: Any, name: str) -> Any:
    """The value of the setting `name`, lists as tuples; ConfigError with a cure if it is not of its kind."""
    if is_dataclass(kind):
        return build(kind, value, name)  # type: ignore[arg-type]
    is_list = isinstance(value, (list, tuple))
    if get_origin(kind) is not tuple and get_args(kind):  # a number or a list of them
        kind = next(each for each in get_args(kind) if is_list == (get_origin(each) is tuple))
    if get_origin(kind) is not tuple:
        return _checked_one(kind, value, name)
    if not is_list:
        written = value if isinstance(value, str) else _shown(value)
        raise ConfigError(f"{name} must be a list, got {_shown(value)}; write it in brackets, such as [{written}]")
    if not value:
        raise ConfigError(f"{name} must hold at least one value, got []")
    return tuple(_checked_one(get_args(kind)[0], item, f"{name}[{index}]") for index, item in enumerate(value))


def _checked_one(kind: type, value: Any, name: str) -> Any:
    wanted, fits = KINDS[kind]
    if not fits(value):
        raise ConfigError(f"{name} must be {wanted}, got {_shown(value)}; {_cure(kind, value)}")
    key = name.rpartition(": ")[2].partition("[")[0]
    if key.endswith("_ns") and 0 < abs(value) < NS:
        raise ConfigError(f"{name} must be in nanoseconds, got {value}; for {value} ms write {value}000000")
    for unit in sorted(MAGNITUDES, key=len, reverse=True):
        if key.endswith(unit):
            _question(value, name, *MAGNITUDES[unit])
            break
    return value


def _question(value: float, name: str, largest: float, said: str) -> None:
    if abs(value) > largest:
        raise ConfigError(f"{name} must be in {said}, from {-largest:.6g} to {largest:.6g}, got {value}; convert it")


def _cure(kind: type, value: Any) -> str:
    if value is None:
        return "write its value, or leave the setting out if it has a default"
    if kind is str:
        return f"write it in quotes, '{_shown(value)}'"
    if kind is bool:
        return "write true" if value in ("on", "yes", "On", "Yes", "ON", "YES", 1) else "write true or false"
    if isinstance(value, (list, tuple)):
        return "write one number, without brackets"
    return _number_for(value) if isinstance(value, str) else "write a number that can be measured"


def _number_for(text: str) -> str:
    """What to write in place of a text where a number is wanted."""
    if found := EXPONENT.fullmatch(text):
        sign, whole, fraction, exponent_sign, exponent = found.groups()
        return (
            f"write {sign}{whole or 0}.{fraction or 0}e{exponent_sign or '+'}{exponent}, which YAML takes for a number"
        )
    if found := OF_PI.fullmatch(text):
        sign, times, over = found.groups()
        number = float(times or 1) * math.pi / (float(over or 1) or 1)
        return f"write the number in radians, {sign.strip('+')}{number:.10f}"
    if found := WITH_UNIT.fullmatch(text):
        return f"write the number alone, {found[1]}, in the unit at the end of the setting's name"
    try:
        return f"write {float(text.replace(',', '.').replace('_', '')):.10g}, without quotes"
    except ValueError:
        return "write the number itself, such as -0.7853981634 for -pi/4"


def _shown(value: object) -> str:
    """A value as YAML writes it, if it is short."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return (
        f".{value!r}".replace(".-", "-.")
        if isinstance(value, float) and not math.isfinite(value)
        else shown.repr(value)
    )


def shipped(name: str) -> Path:
    """The settings file `name` of this package: in the repository, or installed under `share/`."""
    for folder in Path(__file__).resolve().parents:
        for config in (folder / "config", folder / "share" / "autoglm_embodied" / "config"):
            if (config / name).is_file():
                return config / name
    raise ConfigError(f"settings file {name} did not come with this installation; install autoglm_embodied again")
