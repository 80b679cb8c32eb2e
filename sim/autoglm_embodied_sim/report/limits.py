"""What the figures of a page do not show."""

from __future__ import annotations

from autoglm_embodied_sim.eval.measure import PRIVILEGES
from autoglm_embodied_sim.report.evaluation import Evaluation

RIGS = {
    "gantry": "The hand hangs from four axes: there is no arm, no joint limit and no arm that gets in the way.",
    "arm": "One camera looks at the table from the front: what lies behind an object is not seen.",
}


def limits(evaluation: Evaluation) -> list[str]:
    """One sentence each."""
    wanted = evaluation.wanted
    said = [f"{PRIVILEGES.capitalize()}.", "Everything is simulated; friction, masses and sensors are models."]
    said += [RIGS[wanted.rig]] if wanted.rig in RIGS else []
    said.append("Success, classes of failure and peak force are the simulator's verdict; no policy sees them.")
    said.append("The peak force is without the noise of the sensor and without the weight of the hand.")
    said.append("An interval tells of chance in the choice of seeds, not of the distance between simulation and robot.")
    said += [f"Withheld from every policy: {sense}." for sense in wanted.without]
    if wanted.objects is None and wanted.split != "test":
        said.append(f"The objects are of the {wanted.split} split, on which policies may have been tuned.")
    return said
