"""The nodes of AutoGLM Embodied on a robot, whose drivers run already."""

import os

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

PACKAGE = "autoglm_embodied"
RESPAWN_DELAY_S = 2.0  # a node that cannot start, such as for a bad settings file, must not keep a processor busy
MANAGED = {"autostart": False}  # manager_node brings them up
MANAGER = {"autostart": ParameterValue(LaunchConfiguration("autostart"), value_type=bool)}
DDS = "FASTRTPS" if os.environ.get("ROS_DISTRO") in ("humble", "iron", "jazzy") else "FASTDDS"  # its older name
PROFILE = f"{DDS}_DEFAULT_PROFILES_FILE"
# A governor that receives over shared memory may miss its sensors once it was killed and started again.
OF_GOVERNOR = {PROFILE: LaunchConfiguration("governor_profile")}
OF_FUSION = ("robot_file", "camera_file", "checkpoint")
QUIET_ROS = ["--log-level", "rcl:=warn"]  # whose debug lines, thousands a second, are no news of a node
OPTIONS = ["--ros-args", "--log-level", LaunchConfiguration("log_level"), *QUIET_ROS]
YES_OR_NO = ["true", "false", "True", "False"]
LEVELS = ["debug", "info", "warn", "error", "fatal"]
SIM_TIME = ["-p", ["use_sim_time:=", LaunchConfiguration("use_sim_time")]]  # settings files count more


def setting(name: str) -> PathJoinSubstitution:
    """A settings file of the folder that argument `config` names."""
    return PathJoinSubstitution([LaunchConfiguration("config"), name])


def node(name: str, *files: object, own: dict = MANAGED, given: tuple[str, ...] = (), **options: object) -> Node:
    """A node with its settings files; parameters `own`, and launch arguments `given` by their names, count more."""
    options |= {"respawn": LaunchConfiguration("respawn"), "respawn_delay": RESPAWN_DELAY_S, "output": "both"}
    each_file = [part for file in files for part in ("--params-file", file)]
    return Node(
        package=PACKAGE,
        executable=f"{name}_node",
        name=f"{name}_node",
        namespace=LaunchConfiguration("namespace"),
        # Of the files, since `parameters` would pass over one that is not there.
        arguments=[*OPTIONS, "--enclave", f"/{name}_node", *SIM_TIME, *each_file],
        parameters=[own, {each: LaunchConfiguration(each) for each in given}],
        **options,
    )


def generate_launch_description() -> LaunchDescription:
    """Governor, fusion and voice node, and their manager; tuning is in the parameter files."""
    shipped = PathJoinSubstitution([FindPackageShare(PACKAGE), "config"])
    later, names = "read after that of config", "of all nodes, topics, actions and services, such as r1"
    udp = PathJoinSubstitution([shipped, "fastdds_udp.xml"])
    manager = PathJoinSubstitution([shipped, "manager.yaml"])
    return LaunchDescription(
        [
            DeclareLaunchArgument("config", default_value=shipped, description="folder of the settings files"),
            DeclareLaunchArgument("robot_file", default_value=setting("panda.yaml"), description="the arm"),
            DeclareLaunchArgument("camera_file", default_value=setting("camera.yaml"), description="its pose"),
            DeclareLaunchArgument("governor_file", default_value=setting("governor.yaml"), description=later),
            DeclareLaunchArgument("fusion_file", default_value=setting("fusion.yaml"), description=later),
            DeclareLaunchArgument("governor_profile", default_value=udp, description="its DDS transports"),
            DeclareLaunchArgument("manager_file", default_value=manager, description="of manager_node"),
            DeclareLaunchArgument("checkpoint", default_value="", description="of the policy; empty: the shipped one"),
            DeclareLaunchArgument(
                "voice", default_value="true", choices=YES_OR_NO, description="whether this machine has the microphone"
            ),
            DeclareLaunchArgument("namespace", default_value="", description=names),
            DeclareLaunchArgument(
                "use_sim_time", default_value="false", choices=YES_OR_NO, description="take the time from /clock"
            ),
            DeclareLaunchArgument("log_level", default_value="info", description="of all nodes", choices=LEVELS),
            DeclareLaunchArgument(
                "autostart",
                default_value="true",
                choices=YES_OR_NO,
                description="false: manager_node waits for startup",
            ),
            DeclareLaunchArgument(
                "respawn", default_value="false", choices=YES_OR_NO, description="start a node that ended again"
            ),
            node("manager", LaunchConfiguration("manager_file"), own=MANAGER),
            node(
                "governor",
                setting("governor.yaml"),
                LaunchConfiguration("governor_file"),
                given=("robot_file",),
                additional_env=OF_GOVERNOR,
            ),
            node("fusion", setting("fusion.yaml"), LaunchConfiguration("fusion_file"), given=OF_FUSION),
            node("voice", setting("voice.yaml"), condition=IfCondition(LaunchConfiguration("voice"))),
        ]
    )
