"""Time alignment of all sensor streams: ring buffers, interpolation, sliding windows, one masked Observation a tick."""
