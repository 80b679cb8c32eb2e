"""Reads settings, which are frozen dataclasses of the rooms, from YAML and checks every key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from autoglm_embodied.errors import ConfigError

S = TypeVar("S")


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; ConfigError if it cannot be read or is no mapping."""
    try:
        loaded = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot read settings from {path}: {error}") from error
    if not isinstance(loaded, dict):
        raise ConfigError(f"{path} must hold a mapping of settings, got {type(loaded).__name__}")
    return loaded


def build(cls: type[S], values: Mapping[str, Any], source: str) -> S:
    """Construct settings; ConfigError if a key is unknown or missing, or a value is not allowed.

    Args:
        cls: a frozen dataclass that validates its values in `__post_init__`.
        values: key to value; lists become tuples.
        source: file or origin of the values, for errors.
    """
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigError(f"{source}: unknown setting {unknown[0]!r}; known are {', '.join(sorted(known))}")
    needed = [name for name, field in known.items() if field.default is field.default_factory is MISSING]
    missing = [name for name in needed if name not in values]
    if missing:
        raise ConfigError(f"{source}: setting {missing[0]!r} is missing")
    try:
        return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from error


def shipped(name: str) -> Path:
    """The settings file `name` of this package: in the repository, or installed under `share/`."""
    for folder in Path(__file__).resolve().parents:
        for config in (folder / "config", folder / "share" / "autoglm_embodied" / "config"):
            if (config / name).is_file():
                return config / name
    raise ConfigError(f"settings file {name} did not come with this installation; install autoglm_embodied again")
