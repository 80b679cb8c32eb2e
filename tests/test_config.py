"""Settings files are checked key by key, and every complaint names its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from autoglm_embodied.config import build, read_yaml, shipped
from autoglm_embodied.errors import ConfigError


@dataclass(frozen=True)
class Settings:
    size: int
    corner_m: tuple[float, ...] = (0.0, 0.0)


def test_a_mapping_becomes_settings_and_lists_become_tuples() -> None:
    assert build(Settings, {"size": 3, "corner_m": [1.0, 2.0]}, "a.yaml") == Settings(3, (1.0, 2.0))


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"size": 3, "colour": 1}, "a.yaml: unknown setting 'colour'; known are corner_m, size"),
        ({}, "a.yaml: setting 'size' is missing"),
    ],
)
def test_an_unknown_or_missing_key_is_named(values: dict[str, int], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        build(Settings, values, "a.yaml")


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [1", "\x00"])
def test_a_file_that_holds_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="settings.yaml"):
        read_yaml(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read settings"):
        read_yaml(tmp_path / "nothing.yaml")
    with pytest.raises(ConfigError, match="nothing.yaml did not come"):
        shipped("nothing.yaml")
