"""`autoglm faults`: faults injected into the real nodes in simulation, and the table of what came of them."""
