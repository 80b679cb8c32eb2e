"""The whole arm at its table as the suites drive it: joint limits, singular postures and an oblique camera included."""
