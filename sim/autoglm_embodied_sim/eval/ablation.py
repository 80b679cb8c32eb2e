"""Senses withheld from a policy: they are missing, never filled with zeros."""

from __future__ import annotations

from collections.abc import Sequence

from autoglm_embodied.errors import ConfigError

ABLATIONS = ("force", "vision", "language")


def ablation(names: Sequence[str]) -> tuple[str, ...]:
    """The senses of these names, each once and in a fixed order; ConfigError with the valid ones."""
    for name in names:
        if name not in ABLATIONS:
            raise ConfigError(f"--without must be one of {', '.join(ABLATIONS)}, got {name!r}")
    return tuple(sense for sense in ABLATIONS if sense in names)


def suffix(without: Sequence[str]) -> str:
    """What the name of a case ends with, such as `_without_force`; empty where nothing is withheld."""
    return "".join(f"_without_{sense}" for sense in without)
