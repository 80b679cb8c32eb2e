"""The simulated world for Gazebo, written out of the MuJoCo model so that the two cannot drift apart."""
