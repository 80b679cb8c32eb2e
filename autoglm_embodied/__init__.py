"""AutoGLM Embodied: a ROS 2 control node that sees, feels and listens on one clock."""

__version__ = "0.1.0"
