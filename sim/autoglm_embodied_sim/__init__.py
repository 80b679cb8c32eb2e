"""A simulated Panda with camera, wrist sensor and a table of objects to grasp.

Where gymnasium is installed, this import makes its environment `AutoGLMGrasp-v0` known.
"""

from importlib.util import find_spec

from autoglm_embodied_sim.gym import register

if find_spec("gymnasium") is not None:
    register()
