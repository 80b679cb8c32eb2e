"""What the commands of the simulator's nodes start."""

from __future__ import annotations

from autoglm_embodied.nodes.entry import entry

servo_node = entry("autoglm_embodied_sim.nodes.servo_node")
sim_node = entry("autoglm_embodied_sim.nodes.sim_node")
