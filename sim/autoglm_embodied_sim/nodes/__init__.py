"""ROS 2 adapters of the simulator; the only importers of rclpy here."""
