# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Start the depth node as an obstacle source of Nav2; docs/nav2.md configures the costmap."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

PACKAGE = "jasmine_ros"
ARGUMENTS = {  # name: (default, description); without a default the argument is required
    "image": (None, "Topic of the camera images."),
    "camera_info": ("", "Topic of the CameraInfo; empty takes it from the namespace of image."),
    "image_transport": (
        "",
        "Transport of the images, raw or compressed; empty takes it from params_file.",
    ),
    "checkpoint": (None, "Folder of a checkpoint with a metric scale."),
    "params_file": (
        [PathJoinSubstitution([FindPackageShare(PACKAGE), "config", "nav2_depth.yaml"])],
        "YAML file with the parameters of the node.",
    ),
    "namespace": ("", "Namespace of the node and its topics."),
    "use_sim_time": ("false", "Whether the node takes its time from /clock."),
}


def generate_launch_description():
    """Start the depth node with a thinned cloud of limited range."""
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
