"""Recordings in the formats of other tools: Rerun's viewer and LeRobot's datasets."""
