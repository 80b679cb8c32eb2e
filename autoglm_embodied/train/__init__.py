"""Training of the policy: stages, losses, batches, loop. Never imported on the robot."""
