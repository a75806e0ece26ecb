# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Play a bag, and see its depth in RViz: `ros2 launch jasmine_ros bag.launch.py bag:=drive/`."""

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = {  # name: (default, description); without a default it must be given
    "bag": (None, "rosbag2 folder to play"),
    "rate": ("1.0", "times as fast as recorded"),
    "loop": ("true", "begin again at the end"),
    "image": (None, "topic of the bag's images"),
    "camera_info": ("", "topic of the CameraInfo; beside the images unless given"),
    "image_transport": ("", "raw or compressed"),
    "checkpoint": ("", "checkpoint folder"),
    "point_cloud": ("true", "publish depth/points"),
    "rviz": ("true", "show images, depth and cloud in RViz"),
}
PASSED = ("image", "camera_info", "image_transport", "checkpoint", "point_cloud", "rviz")


def generate_launch_description():
    """Start the player, and the depth node on the bag's clock."""
    package = FindPackageShare("jasmine_ros")
    depth = PathJoinSubstitution([package, "launch", "depth.launch.py"])
    arguments = {name: LaunchConfiguration(name) for name in PASSED}
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in ARGUMENTS.items()
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(depth),
                launch_arguments={**arguments, "use_sim_time": "true"}.items(),
            ),
            OpaqueFunction(function=play),
        ]
    )


def play(context):
    """Return the player."""
    bag, rate, loop = (LaunchConfiguration(n).perform(context) for n in ("bag", "rate", "loop"))
    command = ["ros2", "bag", "play", bag, "--clock", "--rate", rate]
    command += ["--loop"] if loop == "true" else []
    return [ExecuteProcess(cmd=command, output="screen")]
