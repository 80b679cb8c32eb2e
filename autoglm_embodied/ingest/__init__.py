"""Bytes of sensor messages to samples and frames, without ROS: wire format, pairing, stream health."""
