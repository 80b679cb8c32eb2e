"""What the doctor finds: an item, whether it is well, its state in words and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Need(Enum):
    """How much the demo needs an item."""

    DEMO = "needed"
    OPTION = "optional"


@dataclass(frozen=True)
class Finding:
    """One row of the doctor's table."""

    item: str
    ok: bool
    state: str
    advice: str = ""
    need: Need = Need.DEMO
