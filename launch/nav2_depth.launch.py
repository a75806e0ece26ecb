# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Start the depth node as a source of obstacles for Nav2; docs/nav2.md has the costmap's part."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

PACKAGE = "jasmine_ros"
ARGUMENTS = {  # name: (default, description); without a default it must be given
    "image": (None, "topic of the images"),
    "camera_info": ("", "topic of the CameraInfo; beside the images unless given"),
    "image_transport": ("", "raw or compressed"),
    "checkpoint": (None, "checkpoint folder; one that knows metres"),
    "params_file": (
        [PathJoinSubstitution([FindPackageShare(PACKAGE), "config", "nav2_depth.yaml"])],
        "YAML file with the node's parameters",
    ),
    "namespace": ("", "of node and topics"),
    "use_sim_time": ("false", "take the time from /clock"),
}


def generate_launch_description():
    """Start the depth node with a thin, short cloud."""
    depth = PathJoinSubstitution([FindPackageShare(PACKAGE), "launch", "depth.launch.py"])
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in ARGUMENTS.items()
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(depth),
                launch_arguments={name: LaunchConfiguration(name) for name in ARGUMENTS}.items(),
            ),
        ]
    )
