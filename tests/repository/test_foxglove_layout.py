"""The layout for Foxglove shows topics and fields of messages that there are, and every panel that it has."""

from __future__ import annotations

import json
import re
from importlib import import_module
from typing import Any

import pytest
from sources import ROOT

LAYOUT = json.loads((ROOT / "config" / "foxglove.json").read_text())
PANELS: dict[str, dict[str, Any]] = LAYOUT["configById"]
ROW = re.compile(r"^\| (?:publishes|subscribes to) \| `/?([\w/]+)` \| `([\w/]+)` \|$", re.M)
TYPES = dict(ROW.findall((ROOT / "docs" / "interfaces.md").read_text()))


def shown() -> list[str]:
    """What the panels show: topics, and paths of fields in them."""
    paths = [path["value"] for panel in PANELS.values() for path in panel.get("paths", ())]
    keys = ("topicPath", "topicToRender", "imageTopic", "calibrationTopic")
    named = [panel | panel.get("imageMode", {}) for panel in PANELS.values()]
    return paths + [panel[key] for panel in named for key in keys if key in panel]


def test_every_panel_is_laid_out_once() -> None:
    def leaves(layout: Any) -> list[str]:
        return [layout] if isinstance(layout, str) else leaves(layout["first"]) + leaves(layout["second"])

    assert sorted(leaves(LAYOUT["layout"])) == sorted(PANELS)


@pytest.mark.parametrize("path", shown())
def test_what_a_panel_shows_is_there(path: str) -> None:
    topic, *fields = path.removeprefix("/").split(".")
    package, _, name = TYPES[topic].rpartition("/")
    message = getattr(import_module(package.replace("/", ".")), name)()
    for field in fields:
        message = getattr(message, field.partition("[")[0])
