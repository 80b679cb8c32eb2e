"""The doctor: what of this machine is present and working, and what to do about each missing thing."""
