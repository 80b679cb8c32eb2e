"""The ament_python package of the core and its nodes; what it needs is pinned in requirements/."""

from glob import glob

from setuptools import find_packages, setup

NAME = "autoglm_embodied"


setup(
    name=NAME,
    version="0.1.0",
    description="A ROS 2 control node for robot arms that sees, feels and listens",
    license="Apache-2.0",
    python_requires=">=3.10,<3.15",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={
        NAME: ["weights/*", "weights/*/*", "command_language/*.yaml", "command_language/languages/*.yaml", "py.typed"]
    },
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/config", sorted(glob("config/*.*"))),
        (f"share/{NAME}/config/robots", sorted(glob("config/robots/*.yaml"))),
        (f"share/{NAME}/config/security", ["config/security/policy.xml"]),
        (f"share/{NAME}/launch", sorted(glob("launch/*.launch.py"))),
    ],
    zip_safe=False,
    extras_require={"test": ["pytest"]},
    entry_points={
        "console_scripts": [
            "autoglm = autoglm_embodied.tools.cli:run_and_exit",
            "fusion_node = autoglm_embodied.nodes.entry:fusion_node",
            "governor_node = autoglm_embodied.nodes.entry:governor_node",
            "manager_node = autoglm_embodied.nodes.entry:manager_node",
            "record_node = autoglm_embodied.nodes.entry:record_node",
            "voice_node = autoglm_embodied.nodes.entry:voice_node",
        ]
    },
)
