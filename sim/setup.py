"""The ament_python package of the simulator; a robot never needs to install it."""

from setuptools import find_packages, setup

NAME = "autoglm_embodied_sim"

setup(
    name=NAME,
    version="0.1.0",
    description="A simulated arm, camera, wrist sensor and table of objects for AutoGLM Embodied",
    license="Apache-2.0",
    python_requires=">=3.10,<3.15",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["py.typed", "report/*.jinja"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    zip_safe=False,
    extras_require={"gymnasium": ["gymnasium>=1.0"], "test": ["pytest", "gymnasium>=1.0"]},
    entry_points={
        "console_scripts": [
            "gazebo_world = autoglm_embodied_sim.gazebo.world:main",
            "servo_node = autoglm_embodied_sim.nodes.entry:servo_node",
            "sim_node = autoglm_embodied_sim.nodes.entry:sim_node",
        ],
        "autoglm.commands": [
            "collect = autoglm_embodied_sim.cli.collect:add_parser",
            "evaluate = autoglm_embodied_sim.cli.evaluate:add_parser",
            "table = autoglm_embodied_sim.cli.table:add_parser",
        ],
        "autoglm.policies": [
            f"{baseline} = autoglm_embodied_sim.nodes.baseline_policy:BaselinePolicy"
            for baseline in (
                "random",
                "pca",
                "antipodal",
                "antipodal_force",
                "script",
                "scored",
                "scored_without_memory",
            )
        ],
        "autoglm.bench": [
            "guard = autoglm_embodied_sim.cli.bench_guard:add_parser",
            "limits = autoglm_embodied_sim.cli.bench_limits:add_parser",
            "sim = autoglm_embodied_sim.cli.bench_sim:add_parser",
            "soak = autoglm_embodied_sim.cli.bench_soak:add_parser",
        ],
    },
)
