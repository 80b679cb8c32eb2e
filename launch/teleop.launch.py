"""Teleoperation by voice: the simulator or, with robot:=true, a robot, and what the operator reads."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, IncludeLaunchDescription
from launch.conditions import IfCondition, UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

FOLDER = PathJoinSubstitution([FindPackageShare("autoglm_embodied"), "launch"])
YES_OR_NO = ["true", "false", "True", "False"]
VIEW = ["autoglm", "voice", "--robot", "--namespace", LaunchConfiguration("namespace")]


def included(name: str, condition: object) -> IncludeLaunchDescription:
    """A launch file of this package, whose arguments apply here, too."""
    source = PythonLaunchDescriptionSource(PathJoinSubstitution([FOLDER, name]))
    return IncludeLaunchDescription(source, condition=condition)


def generate_launch_description() -> LaunchDescription:
    """sim.launch.py or robot.launch.py, and `autoglm voice --robot`."""
    robot, view = LaunchConfiguration("robot"), LaunchConfiguration("view")
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "robot", default_value="false", choices=YES_OR_NO, description="a robot, whose drivers run already"
            ),
            DeclareLaunchArgument(
                "view", default_value="true", choices=YES_OR_NO, description="print what is heard and done here"
            ),
            included("sim.launch.py", UnlessCondition(robot)),
            included("robot.launch.py", IfCondition(robot)),
            ExecuteProcess(cmd=VIEW, output="screen", condition=IfCondition(view)),
        ]
    )
