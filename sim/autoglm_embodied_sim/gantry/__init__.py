"""A hand that hangs from four axes over a table: no arm, no joint limits, and the physics of a grasp in full."""
