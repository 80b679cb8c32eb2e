"""Nodes as processes on a private ROS graph: started, watched until ready, ended."""
