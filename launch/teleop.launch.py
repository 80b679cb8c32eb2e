"""Teleoperation by voice: the simulator or, with robot:=true, a robot, and what the operator reads."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, IncludeLaunchDescription
from launch.conditions import IfCondition, UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

FOLDER = PathJoinSubstitution([FindPackageShare("autoglm_embodied"), "launch"])
YES_OR_NO = ["true", "false", "True", "False", "1", "0"]
VIEW = ["autoglm", "voice", "--robot", "--namespace", LaunchConfiguration("namespace")]


def switch(name: str, default: str, description: str) -> DeclareLaunchArgument:
    """An argument that is true or false, or refused by its name."""
    return DeclareLaunchArgument(name, default_value=default, description=description, choices=YES_OR_NO)


def included(name: str, condition: object) -> IncludeLaunchDescription:
    """A launch file of this package, whose arguments apply here, too."""
    source = PythonLaunchDescriptionSource(PathJoinSubstitution([FOLDER, name]))
    return IncludeLaunchDescription(source, condition=condition)


def generate_launch_description() -> LaunchDescription:
    """sim.launch.py or robot.launch.py, and `autoglm voice --robot`."""
    robot, view = LaunchConfiguration("robot"), LaunchConfiguration("view")
    return LaunchDescription(
        [
            switch("robot", "false", "a robot, whose drivers run already"),
            switch("view", "true", "print what is heard and done here"),
            included("sim.launch.py", UnlessCondition(robot)),
            included("robot.launch.py", IfCondition(robot)),
            ExecuteProcess(cmd=VIEW, output="screen", condition=IfCondition(view)),
        ]
    )
