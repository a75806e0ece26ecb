# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Play a bag and show its depth in RViz.

ros2 launch jasmine_ros bag.launch.py bag:=BAG image:=TOPIC
"""

from launch import LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
)
from launch.event_handlers import OnProcessIO
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = {  # name: (default, description); without a default the argument is required
    "bag": (None, "Folder of the rosbag2 recording to play."),
    "rate": ("1.0", "Playback speed as a multiple of the recorded speed."),
    "loop": ("true", "Whether the playback begins again at the end of the bag."),
    "image": (None, "Topic of the images in the bag."),
    "camera_info": ("", "Topic of the CameraInfo; empty takes it from the namespace of image."),
    "image_transport": ("", "Transport of the images, raw or compressed; empty takes the default."),
    "checkpoint": ("", "Folder of the checkpoint; empty takes the default."),
    "point_cloud": ("true", "Whether depth/points is published."),
    "temporal": ("", "Filter of the depth over time: off, scale or fuse; empty takes the default."),
    "odometry_topic": ("", "Topic of the robot's motion, for the filter; empty takes it from TF."),
    "rviz": ("true", "Whether RViz shows the images, the depth and the point cloud."),
    "fixed_frame": (
        "camera_optical_frame",
        "Fixed Frame of RViz: the frame_id of the images, or a frame that TF connects to it.",
    ),
}
PASSED = (
    *("image", "camera_info", "image_transport", "checkpoint", "point_cloud", "temporal"),
    *("odometry_topic", "rviz", "fixed_frame"),
)
ACTIVE = b"depth on "  # part of the line that the node logs when it has become active


def generate_launch_description():
    """Start the playback of the bag, and the depth node with the clock of the bag."""
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
    """Return the event that starts to play the bag when the node is active.

    Loading a network takes seconds; the first images of the bag would be lost.
    """
    bag, rate, loop = (LaunchConfiguration(n).perform(context) for n in ("bag", "rate", "loop"))
    command = ["ros2", "bag", "play", bag, "--clock", "--rate", rate]
    command += ["--loop"] if loop == "true" else []
    waiting = [ExecuteProcess(cmd=command, output="screen")]

    def start(event):
        return waiting.pop() if waiting and ACTIVE in event.text else None

    return [RegisterEventHandler(OnProcessIO(on_stdout=start, on_stderr=start))]
