"""What libsdformat says about an SDF file, and which of its elements and attributes the specification does not know."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

HARMLESS = "libignition-tools-backward.so"  # of a package that only prints prettier traces
OWN = {"plugin"}  # elements that hold what they like
SENSOR_FRAMES = {"gz_frame_id", "ignition_frame_id"}  # which Gazebo reads, though the specification lacks them
HERE = shutil.which("ign") is not None

needs_libsdformat = pytest.mark.skipif(
    not HERE, reason="libsdformat is not installed; apt-get install ignition-tools libsdformat-dev"
)


def complaints(path: Path) -> list[str]:
    """What `ign sdf -k` finds wrong; it returns 0 for much of it."""
    environment = os.environ | {"SDF_PATH": str(path.parent)}
    done = subprocess.run(["ign", "sdf", "-k", str(path)], capture_output=True, text=True, env=environment)
    said = [line for line in done.stderr.splitlines() if line.strip() and HARMLESS not in line]
    return said + ([] if done.returncode == 0 and "Valid" in done.stdout else [f"status {done.returncode}"])


def unknown(path: Path) -> list[str]:
    """Elements and attributes of a file that its version of the specification does not know."""
    root = ElementTree.parse(path).getroot()
    return list(_unknown(root, _specification(root.attrib["version"]), root.tag))


@functools.cache
def _specification(version: str) -> ElementTree.Element:
    described = subprocess.run(["ign", "sdf", "-d", version], capture_output=True, text=True, check=True).stdout
    return ElementTree.fromstring(described)


def _unknown(element: ElementTree.Element, description: ElementTree.Element, place: str) -> Iterator[str]:
    if element.tag in OWN:
        return
    attributes = {found.attrib["name"] for found in description.findall("attribute")}
    yield from (f"{place}@{name}" for name in element.attrib if name not in attributes)
    described = {found.attrib["name"]: found for found in description.findall("element")}
    for child in element:
        inner = f"{place}/{child.tag}"
        if child.tag in described:
            yield from _unknown(child, described[child.tag], inner)
        elif not (element.tag == "sensor" and child.tag in SENSOR_FRAMES):
            yield inner
