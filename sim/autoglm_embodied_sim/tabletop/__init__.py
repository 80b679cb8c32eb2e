"""What every rig of the suites shares: the items on the table, the hand over it, and the pictures of both."""
