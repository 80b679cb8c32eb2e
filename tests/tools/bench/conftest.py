from __future__ import annotations

from ros_fixtures import domain  # noqa: F401
