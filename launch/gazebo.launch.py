"""The nodes of AutoGLM Embodied with Gazebo in place of a robot; needs ros_gz_sim and ros_gz_bridge."""

import os

from launch import LaunchDescription, actions
from launch.event_handlers import OnProcessExit
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import EnvironmentVariable, LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node, SetParameter
from launch_ros.substitutions import FindPackageShare

SIMULATED = {"governor_file": "governor_simulation.yaml", "fusion_file": "fusion_simulation.yaml"}
PACKAGE, SIM = "autoglm_embodied", "autoglm_embodied_sim"
DISTRIBUTION = os.environ.get("ROS_DISTRO")
GAZEBO = "ignition" if DISTRIBUTION in ("humble", "iron") else "gz"  # Fortress has the older names
DDS = "FASTRTPS" if DISTRIBUTION in ("humble", "iron", "jazzy") else "FASTDDS"
PROFILE = f"{DDS}_DEFAULT_PROFILES_FILE"
FOLDER = [EnvironmentVariable("HOME"), "/.cache/autoglm_embodied/gazebo"]


def included(package: str, name: str, **arguments: list) -> actions.IncludeLaunchDescription:
    """A launch file of a package."""
    path = PathJoinSubstitution([FindPackageShare(package), "launch", name])
    return actions.IncludeLaunchDescription(PythonLaunchDescriptionSource(path), launch_arguments=arguments.items())


def generate_launch_description() -> LaunchDescription:
    """World, Gazebo, bridge, servo and robot.launch.py, whose arguments apply here, too."""
    config = PathJoinSubstitution([FindPackageShare(PACKAGE), "config"])
    folder, bridge = LaunchConfiguration("world_folder"), PathJoinSubstitution([config, "gazebo_bridge.yaml"])
    options = ["--gazebo", GAZEBO, "--folder", folder, "--seed", LaunchConfiguration("seed")]
    write = actions.ExecuteProcess(cmd=["ros2", "run", SIM, "gazebo_world", *options], output="both")
    gazebo = included("ros_gz_sim", "gz_sim.launch.py", gz_args=["-r ", folder, "/world.sdf"])
    failed = actions.Shutdown(reason="the world could not be written; see above")
    profiles = {size: PathJoinSubstitution([config, f"fastdds{size}.xml"]) for size in ("", "_small", "_udp_loopback")}
    level = ["--ros-args", "--log-level", LaunchConfiguration("log_level"), "--log-level", "rcl:=warn"]
    common = {"namespace": LaunchConfiguration("namespace"), "arguments": level, "output": "both"}
    started = OnProcessExit(target_action=write, on_exit=lambda event, _: [failed if event.returncode else gazebo])
    return LaunchDescription(
        [
            actions.DeclareLaunchArgument("seed", default_value="0", description="of the scene on the table"),
            actions.DeclareLaunchArgument("world_folder", default_value=FOLDER, description="where to write the world"),
            *(
                actions.DeclareLaunchArgument(
                    name, default_value=PathJoinSubstitution([config, file]), description="read after that of config"
                )
                for name, file in SIMULATED.items()
            ),
            actions.DeclareLaunchArgument(
                "governor_profile", default_value=profiles["_udp_loopback"], description="transports"
            ),
            actions.SetEnvironmentVariable(PROFILE, profiles["_small"]),
            actions.SetEnvironmentVariable("AUTOGLM_REAL_TIME_PROCESS", "0"),  # the simulator needs the processors, too
            SetParameter(name="use_sim_time", value=True),
            actions.RegisterEventHandler(started),
            write,
            included(PACKAGE, "robot.launch.py"),  # before what takes its arguments
            Node(
                package="ros_gz_bridge",
                executable="parameter_bridge",
                additional_env={PROFILE: profiles[""]},
                parameters=[{"config_file": bridge}],
                **common,
            ),
            Node(package=SIM, executable="servo_node", **common),
        ]
    )
