"""Message definitions as text, as MCAP wants them: of a type and of all that it is made of."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

SEPARATOR = "=" * 80
PRIMITIVE = re.compile(r"(bool|byte|char|float32|float64|u?int(8|16|32|64)|w?string)(<=\d+)?$")


def share_folders() -> list[Path]:
    """Where the definitions of installed message packages lie."""
    prefixes = [*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix]
    return [Path(prefix) / "share" for prefix in dict.fromkeys(prefixes) if prefix]


def message_definition(type_name: str, folders: Sequence[Path]) -> str:
    """The definition of a type, and behind a line of = that of each type in it (schema encoding ros2msg).

    Args:
        type_name: such as sensor_msgs/msg/Image.
        folders: the share folders of installed packages.

    Returns:
        Nothing where one of the types is not installed as text: a reader then knows the type by its name alone.
    """
    texts: dict[str, str] = {}
    wanted = [type_name]
    while wanted:
        name = wanted.pop(0)
        if name in texts:
            continue
        text = _text(name, folders)
        if text is None:
            return ""
        texts[name] = text
        wanted += _parts(text, package=name.partition("/")[0])
    first, *others = texts.items()
    return "".join([first[1], *(f"\n{SEPARATOR}\nMSG: {_short(name)}\n{text}" for name, text in others)])


def _text(name: str, folders: Sequence[Path]) -> str | None:
    package, kind, message = name.split("/")
    for folder in folders:
        path = folder / package / kind / f"{message}.msg"
        if path.is_file():
            return path.read_text()
    return None


def _parts(text: str, package: str) -> list[str]:
    """The types, that are no primitives, of the fields of a definition."""
    words = [line.partition("#")[0].split() for line in text.splitlines()]
    fields = [line[0].partition("[")[0] for line in words if len(line) >= 2]
    return [_full(field, package) for field in fields if not PRIMITIVE.match(field)]


def _full(field: str, package: str) -> str:
    *packages, message = field.split("/")
    return f"{packages[0] if packages else package}/msg/{message}"


def _short(name: str) -> str:
    package, _, message = name.split("/")
    return f"{package}/{message}"
