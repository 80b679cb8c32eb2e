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


def node(name: str, *parameters: object, **options: object) -> Node:
    """A node with its settings file and further parameters."""
    given, name = [setting(f"{name}.yaml"), *parameters], f"{name}_node"
    return Node(package=PACKAGE, executable=name, name=name, parameters=given, output="both", **options)


def generate_launch_description() -> LaunchDescription:
    """Governor, fusion and voice node; tuning is in the parameter files."""
    files = {name: LaunchConfiguration(name) for name in ("robot_file", "camera_file")}
    camera = setting("camera.yaml")
    later = "read after that of config"
    shipped = PathJoinSubstitution([FindPackageShare(PACKAGE), "config"])
    return LaunchDescription(
        [
            DeclareLaunchArgument("config", default_value=shipped, description="folder of the settings files"),
            DeclareLaunchArgument("robot_file", default_value=setting("panda.yaml"), description="the arm"),
            DeclareLaunchArgument("camera_file", default_value=camera, description="pose of the camera"),
            DeclareLaunchArgument("governor_file", default_value=setting("governor.yaml"), description=later),
            DeclareLaunchArgument("fusion_file", default_value=setting("fusion.yaml"), description=later),
            DeclareLaunchArgument("checkpoint", default_value="", description="of the policy; empty: the shipped one"),
            DeclareLaunchArgument("voice", default_value="true", description="whether this machine has the microphone"),
            node("governor", LaunchConfiguration("governor_file"), {"robot_file": files["robot_file"]}),
            node(
                "fusion", LaunchConfiguration("fusion_file"), files, {"checkpoint": LaunchConfiguration("checkpoint")}
            ),
            node("voice", condition=IfCondition(LaunchConfiguration("voice"))),
        ]
    )
