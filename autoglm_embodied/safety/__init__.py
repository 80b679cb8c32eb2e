"""The last word before the robot: a pure governor that turns any wish into a safe command."""
