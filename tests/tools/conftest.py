from __future__ import annotations

import ros_fixtures  # noqa: F401 - imports message packages, whose warnings are no errors
