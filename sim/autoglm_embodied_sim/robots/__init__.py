"""The arm and the gantry: MuJoCo models, the rigs that step them, and the hand that policies move."""
