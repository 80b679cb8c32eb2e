"""What people read of a setting, and the values it may have: written once, beside its default."""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from typing import Any

from autoglm_embodied.errors import ConfigError


@dataclass(frozen=True)
class About:
    """A setting's description, its range, and how it may change while a node runs; its unit is in its name."""

    description: str = ""
    least: float | None = None  # with `most`; None: no range
    most: float | None = None
    live: bool = False  # whether a change takes effect while the node runs; else it is refused
    stricter: int = 0  # of a limit: -1 where lower values are stricter, 1 where higher ones are

    @property
    def allowed(self) -> str:
        """The range in words."""
        return f"from {self.least:g} to {self.most:g}" if self.least is not None and self.most is not None else "finite"


def setting(default: Any, description: str, **about: Any) -> Any:
    """A field of a dataclass of settings, with what `About` holds of it."""
    return field(default=default, metadata={"about": About(description, **about)})


def about(of: Field[Any]) -> About:
    """What is known of a field; nothing where it was not made by `setting`."""
    found: About = of.metadata.get("about", About())
    return found


def check_ranges(settings: Any, name: str) -> None:
    """ConfigError where a number of settings, which are called `name`, is outside its range or not finite."""
    for each in fields(settings):
        known, value = about(each), getattr(settings, each.name)
        numbers = value if isinstance(value, tuple) else (value,)
        if known.least is not None and known.most is not None:
            if not all(known.least <= number <= known.most for number in numbers):  # NaN too
                raise ConfigError(f"{name}.{each.name} must be {known.allowed}, got {value}")
