from __future__ import annotations

from ros_fixtures import checkpoint, default_context, domain, graph, refusal  # noqa: F401
