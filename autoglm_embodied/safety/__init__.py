"""The last check before the robot: a pure governor that turns any policy command into a safe one."""
