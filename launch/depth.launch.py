# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Start the depth node: `ros2 launch jasmine_ros depth.launch.py image:=/camera/image_raw`."""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

PACKAGE = "jasmine_ros"
ARGUMENTS = {  # name: (default, description, choices)
    "image": ("image", "Topic of the camera images.", None),
    "camera_info": (
        "",
        "Topic of the CameraInfo; empty takes it from the namespace of image.",
        None,
    ),
    "image_transport": (
        "",
        "Transport of the images; empty takes it from params_file.",
        ["", "raw", "compressed"],
    ),
    "checkpoint": ("", "Folder of the checkpoint; empty takes it from params_file.", None),
    "params_file": (
        [PathJoinSubstitution([FindPackageShare(PACKAGE), "config", "depth.yaml"])],
        "YAML file with the parameters of the node; other arguments override it.",
        None,
    ),
    "namespace": ("", "Namespace of the node and its topics; give each camera its own.", None),
    "use_sim_time": ("false", "Whether the node takes its time from /clock.", ["true", "false"]),
    "point_cloud": (
        "",
        "Whether depth/points is published; empty takes it from params_file.",
        ["", "true", "false"],
    ),
    "temporal": (
        "",
        "Filter of the depth over time; empty takes it from params_file.",
        ["", "off", "scale", "fuse"],
    ),
    "odometry_topic": (
        "",
        "Topic of the robot's motion, for the filter; empty takes it from params_file, or from TF.",
        None,
    ),
    "rviz": (
        "false",
        "Whether RViz shows the images, the depth and the point cloud.",
        ["true", "false"],
    ),
    "fixed_frame": (
        "camera_optical_frame",
        "Fixed Frame of RViz: the frame_id of the images, or a frame that TF connects to it.",
        None,
    ),
}


def generate_launch_description():
    """Declare the arguments and start the nodes with their values."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=text, choices=choices)
        for name, (default, text, choices) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])


def start(context):
    """Return the nodes; params_file gives each parameter whose argument is not given."""
    given = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    parameters = {"use_sim_time": given["use_sim_time"] == "true"}
    for name in ("checkpoint", "image_transport", "temporal", "odometry_topic"):
        if given[name]:
            parameters[name] = given[name]
    displays = []
    if given["rviz"] == "true":
        parameters |= {"publish_colorized": True, "publish_points": True}
        displays = [rviz(given, parameters)]
    if given["point_cloud"]:
        parameters["publish_points"] = given["point_cloud"] == "true"
    remappings = [
        (name, given[name]) for name in ("image", "camera_info") if given[name] not in ("", name)
    ]
    depth = Node(
        package=PACKAGE,
        executable="depth_node",
        name="depth",
        namespace=given["namespace"],
        parameters=[given["params_file"], parameters],
        remappings=remappings,
        output="screen",
        emulate_tty=True,
    )
    # RViz is first: if it is not installed, launch ends before it has started the node.
    return [*displays, depth]


def rviz(given, parameters):
    """Return RViz with a layout for the topics and the scale of the node; limit its cloud."""
    from jasmine_ros.node import rviz_layout

    node = rviz_layout.configured(given["params_file"]) | parameters
    view = rviz_layout.view_of(node)
    parameters |= rviz_layout.cloud_parameters(node, view)
    space = f"/{given['namespace'].strip('/')}".rstrip("/")
    layout = rviz_layout.write_layout(
        Path(get_package_share_directory(PACKAGE)) / "config" / "depth.rviz",
        view,
        image=given["image"] if given["image"].startswith("/") else f"{space}/{given['image']}",
        namespace=space,
        compressed=node.get("image_transport") == "compressed",
    )
    return Node(
        package="rviz2",
        executable="rviz2",
        name="rviz",
        namespace=given["namespace"],
        arguments=["-d", layout, "-f", given["fixed_frame"]],
        parameters=[{"use_sim_time": given["use_sim_time"] == "true"}],
        output="screen",
    )
