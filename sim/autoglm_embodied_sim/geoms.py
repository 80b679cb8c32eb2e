"""What the geoms of every model share: how they touch, and which of them are drawn."""

from __future__ import annotations

DRAWN_GROUP = 3  # the collision geoms, 100 times cheaper to draw than the visual ones
BACKDROP_GROUP = 2  # what lies beyond the table, drawn only where the camera can see it
HIDDEN_GROUP = 4
CONTACT = {"condim": 4, "solref": [0.005, 1.0], "solimp": [0.95, 0.99, 0.001, 0.5, 2.0]}
