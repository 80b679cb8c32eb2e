"""Instructions that pick one object out of a scene, or none, and what they mean."""
