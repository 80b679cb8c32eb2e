"""Draws docs/architecture.png out of the sources: rooms in the layers of the import test, arrows where they import.

python docs/draw_architecture.py
"""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path

import matplotlib

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "repository"))

from sources import CORE, SIM, imports, modules, room  # noqa: E402
from test_imports import KNOW_ROS, LAYERS, VALUES  # noqa: E402

matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch  # noqa: E402

PLAIN, ROS, SIMULATED = "#e8eef7", "#f9dcc4", "#dcefdc"
WIDTH, HEIGHT = 0.88, 0.52
SIMULATOR_X = 4.6
LETTERS = 11  # of a name that fit in a box
SMALLEST = 15  # lines of a room that is drawn
Arrow = tuple[str, str]


def arrows() -> set[Arrow]:
    """Room to room where one imports the other, without those that a longer way implies."""
    direct: dict[str, set[str]] = {name: set() for name in chain.from_iterable(LAYERS)}
    for found in chain(imports(CORE), imports(SIM)):
        if found.package in (CORE, SIM) and room(found.module) != room(found.name) not in VALUES | {"metrics"}:
            direct[room(found.module)].add(room(found.name))

    def reach(name: str) -> set[str]:
        return set().union(*({other} | reach(other) for other in direct[name])) if direct[name] else set()

    far = {name: {below for other in direct[name] for below in reach(other)} for name in direct}
    return {(name, other) for name in direct for other in direct[name] - far[name]}


def lines_of(name: str) -> int:
    """How many lines a room has."""
    files = [path for package in (CORE, SIM) for module, path in modules(package).items() if room(module) == name]
    return sum(len(path.read_text().splitlines()) for path in files)


def places() -> dict[str, tuple[float, float]]:
    """Centre of each room: a row a layer, the simulator's package beside the core, values at the bottom."""
    where: dict[str, tuple[float, float]] = {}
    heights = {False: 0.0, True: 1.0}
    for layer in LAYERS:
        names = sorted(name for name in layer if lines_of(name) > SMALLEST)
        simulated = any(name.startswith("sim.") for name in names)
        for index, name in enumerate(names):
            where[name] = (index - (len(names) - 1) / 2 + (SIMULATOR_X if simulated else 0.0), heights[simulated])
        heights[simulated] += 1.0 if names else 0.0
    return where


def draw(file: Path) -> None:
    """Draw the picture."""
    where = places()
    left, right = (edge(x for x, _ in where.values()) for edge in (min, max))
    top = max(y for _, y in where.values())
    figure, axes = pyplot.subplots(figsize=(12, 0.72 * (top + 2)))
    for start, end in sorted(arrows()):
        if start in where and end in where:
            (x, y), (to_x, to_y) = where[start], where[end]
            ends = (x, y - HEIGHT / 2), (to_x, to_y + HEIGHT / 2)
            axes.add_patch(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=8, lw=0.7, color="#8a93a3"))
    for name, (x, y) in where.items():
        colour = ROS if name in KNOW_ROS else SIMULATED if name.startswith("sim.") else PLAIN
        corner = x - WIDTH / 2, y - HEIGHT / 2
        box = FancyBboxPatch(corner, WIDTH, HEIGHT, boxstyle="round,pad=0,rounding_size=0.08", fc=colour, ec="#4a5568")
        axes.add_patch(box)
        fits = min(9.0, 9.0 * LETTERS / len(name))
        axes.text(x, y + 0.06, name, ha="center", va="center", fontsize=fits, weight="bold")
        axes.text(x, y - 0.14, f"{lines_of(name)} lines", ha="center", va="center", fontsize=6.5, color="#4a5568")
    axes.set(xlim=(left - 0.6, right + 0.6), ylim=(-0.6, top + 0.6))
    axes.set_title(
        "A room imports rooms below it, never above; arrows to the values at the bottom are left out.\n"
        "Orange: knows ROS. Green: the simulator's package.",
        fontsize=10,
    )
    axes.axis("off")
    figure.savefig(file, dpi=110, bbox_inches="tight", metadata={"Software": None})


if __name__ == "__main__":
    draw(ROOT / "docs" / "architecture.png")
