"""One clock for all senses: ring buffers, interpolation, windows, one masked Observation per tick."""
