"""Collection, training and evaluation. Never imported on the robot; the simulator is imported only when used."""
