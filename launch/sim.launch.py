"""The nodes of AutoGLM Embodied with the MuJoCo simulator in place of a robot."""

import os

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, SetEnvironmentVariable
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

PACKAGE = "autoglm_embodied"
DDS = "FASTRTPS" if os.environ.get("ROS_DISTRO") in ("humble", "iron", "jazzy") else "FASTDDS"  # its older name
SIMULATED = {"governor_file": "governor_simulation.yaml", "fusion_file": "fusion_simulation.yaml"}
LATER = "read after that of config"
SENSORS = "rates and errors of the sensors; see docs/world.md"
FILES = ("sensors_file", "robot_file")
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # more would spin on the cores of the other nodes
QUIET_ROS = ["--log-level", "rcl:=warn"]  # whose debug lines are no news
SEED = ["-p", ["seed:=", LaunchConfiguration("seed")]]  # refused by sim_node: launch would fail and leave nodes behind
OPTIONS = ["--ros-args", "--enclave", "/sim_node", *SEED, "--log-level", LaunchConfiguration("log_level"), *QUIET_ROS]
PROFILE = f"{DDS}_DEFAULT_PROFILES_FILE"


def generate_launch_description() -> LaunchDescription:
    """The simulator and robot.launch.py, whose arguments apply here, too."""
    share = FindPackageShare(PACKAGE)
    profiles = {
        size: PathJoinSubstitution([share, "config", f"fastdds{size}.xml"]) for size in ("", "_small", "_udp_loopback")
    }
    robot = PythonLaunchDescriptionSource(PathJoinSubstitution([share, "launch", "robot.launch.py"]))
    return LaunchDescription(
        [
            DeclareLaunchArgument("seed", default_value="0", description="of the scene on the table"),
            DeclareLaunchArgument("sensors_file", default_value="", description=SENSORS),
            *(
                DeclareLaunchArgument(
                    name, default_value=PathJoinSubstitution([share, "config", file]), description=LATER
                )
                for name, file in SIMULATED.items()
            ),
            DeclareLaunchArgument(
                "governor_profile", default_value=profiles["_udp_loopback"], description="DDS transports"
            ),
            SetEnvironmentVariable(PROFILE, profiles["_small"]),
            SetEnvironmentVariable("AUTOGLM_REAL_TIME_PROCESS", "0"),  # the simulator needs the processors, too
            IncludeLaunchDescription(robot),  # first: it declares namespace, log_level and robot_file
            Node(
                package="autoglm_embodied_sim",
                executable="sim_node",
                name="sim_node",
                namespace=LaunchConfiguration("namespace"),
                arguments=OPTIONS,
                additional_env={PROFILE: profiles[""], **ONE_THREAD},
                parameters=[{name: ParameterValue(LaunchConfiguration(name), value_type=str) for name in FILES}],
                output="both",
            ),
        ]
    )
