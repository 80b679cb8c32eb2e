"""The nodes of AutoGLM Embodied on a robot, whose drivers run already."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

PACKAGE = "autoglm_embodied"


def setting(name: str) -> PathJoinSubstitution:
    """A settings file of the folder that argument `config` names."""
    return PathJoinSubstitution([LaunchConfiguration("config"), name])


def generate_launch_description() -> LaunchDescription:
    """Governor, fusion and voice node; tuning is in the parameter files."""
    files = {name: LaunchConfiguration(name) for name in ("robot_file", "camera_file")}
    shipped = PathJoinSubstitution([FindPackageShare(PACKAGE), "config"])
    return LaunchDescription(
        [
            DeclareLaunchArgument("config", default_value=shipped, description="folder of the settings files"),
            DeclareLaunchArgument("robot_file", default_value=setting("panda.yaml"), description="the arm"),
            DeclareLaunchArgument(
                "camera_file", default_value=setting("camera.yaml"), description="pose of the camera"
            ),
            DeclareLaunchArgument("checkpoint", default_value="", description="of the policy; empty: the shipped one"),
            DeclareLaunchArgument("voice", default_value="true", description="whether this machine has the microphone"),
            Node(
                package=PACKAGE,
                executable="governor_node",
                name="governor_node",
                parameters=[setting("governor.yaml"), {"robot_file": files["robot_file"]}],
                output="both",
            ),
            Node(
                package=PACKAGE,
                executable="fusion_node",
                name="fusion_node",
                parameters=[setting("fusion.yaml"), files, {"checkpoint": LaunchConfiguration("checkpoint")}],
                output="both",
            ),
            Node(
                package=PACKAGE,
                executable="voice_node",
                name="voice_node",
                parameters=[setting("voice.yaml")],
                condition=IfCondition(LaunchConfiguration("voice")),
                output="both",
            ),
        ]
    )
