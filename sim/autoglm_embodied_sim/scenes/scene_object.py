"""One object of a scene: a shape in its true size, its shade, and what cannot be seen of it."""

from __future__ import annotations

from dataclasses import dataclass

from autoglm_embodied.errors import ConfigError
from autoglm_embodied_sim.objects.shape import Shape
from autoglm_embodied_sim.scenes.primitive_scene import RGB


@dataclass(frozen=True)
class SceneObject:
    """An object to lay on the table."""

    shape: Shape
    colour: str
    rgb: RGB
    mass_kg: float
    friction: float

    def __post_init__(self) -> None:
        if not (self.mass_kg > 0 and self.friction > 0):
            raise ConfigError(f"Object needs mass and friction above 0, got {self.mass_kg} kg and {self.friction}")

    @property
    def name(self) -> str:
        """What people call it, such as "red cylinder"."""
        return f"{self.colour} {self.shape.name}"
