from __future__ import annotations

from ros_fixtures import domain, refusal  # noqa: F401
