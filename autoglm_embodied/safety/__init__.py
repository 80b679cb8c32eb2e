"""The last word before the robot: a pure governor that turns whatever the policy commands into a safe command."""
