# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parameters of the depth node, for ROS, YAML files, the command line and the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from jasmine_core.errors import ConfigError
from jasmine_core.runtime.backend import BACKENDS, PRECISIONS
from jasmine_core.runtime.scale import MODES
from jasmine_core.runtime.stabiliser import MODES as TEMPORAL_MODES
from jasmine_ros.msgs.encodings import MAX_PIXELS
from jasmine_ros.node.parameter_fields import check_values, parameter, typed_values

ODOMETRY_TYPES = {"odometry": "nav_msgs/msg/Odometry", "pose": "geometry_msgs/msg/PoseStamped"}


@dataclass(frozen=True)
class DepthParameters:
    """Parameters of the depth component."""

    checkpoint: str = parameter(
        "jasmine-tiny",
        "Folder of the checkpoint, or the name of a bundled one.",
        read_only=True,
    )
    backend: str = parameter(
        "auto",
        "Library that runs the network; auto takes tensorrt if its engines are built, else "
        "torch or onnxruntime; opencv runs plain exports only.",
        choices=BACKENDS,
        read_only=True,
    )
    device: str = parameter(
        "auto", "Device that runs the network: auto, cpu, cuda or cuda:N.", read_only=True
    )
    precision: str = parameter(
        "auto",
        "Number format of the network; fp16 and bf16 need a GPU.",
        choices=PRECISIONS,
        read_only=True,
    )
    resize: str = parameter(
        "fit",
        "Method that brings an image to the network's size: fit adds a border, stretch changes "
        "the aspect ratio, crop cuts the centre out.",
        choices=("fit", "stretch", "crop"),
        read_only=True,
    )
    network_width: int = parameter(
        0,
        "Width of the network's input [px], a multiple of 64 (32 for jasmine-tiny); 0 takes the"
        " checkpoint's.",
        minimum=0,
        maximum=4096,
        read_only=True,
    )
    network_height: int = parameter(
        0,
        "Height of the network's input [px], a multiple of 64 (32 for jasmine-tiny); 0 takes "
        "the checkpoint's.",
        minimum=0,
        maximum=4096,
        read_only=True,
    )
    resolution: str = parameter(
        "camera",
        "Size of the published depth: the camera image's, or the network's smaller one.",
        choices=("camera", "network"),
        read_only=True,
    )
    rectify: str = parameter(
        "auto",
        "When lens distortion is removed; auto removes it unless the name of the image topic "
        "has the word rect.",
        choices=("auto", "always", "never"),
        read_only=True,
    )
    untagged_order: str = parameter(
        "bgr",
        "Colour order of image encodings that name none, such as 8UC3.",
        choices=("bgr", "rgb"),
    )
    bits: int = parameter(
        0,
        "Number of bits that the camera uses in 16-bit images; 0 finds the range from the images. "
        "With another value, 16UC1 holds grey values on a topic named after depth, too.",
        minimum=0,
        maximum=16,
        read_only=True,
    )
    max_image_pixels: int = parameter(
        MAX_PIXELS,
        "Largest number of pixels of an image; larger ones are skipped before they are decoded.",
        minimum=1,
        maximum=1 << 28,
    )
    metres_per_unit: float = parameter(
        0.0,
        "Metres per unit of the network's depth; 0 takes the checkpoint's scale, and the depth "
        "is up-to-scale if it has none.",
        minimum=0.0,
        maximum=1e6,
    )
    scale_mode: str = parameter(
        "fixed",
        "Source of the metric scale: fixed takes metres_per_unit, camera_height the camera's "
        "height above the ground, sparse_depth a sensor on scale_topic, odometry the motion of the "
        "robot.",
        choices=MODES,
        read_only=True,
    )
    scale_topic: str = parameter(
        "",
        "Topic of a LiDAR, a range sensor or another depth camera; needed by scale_mode "
        "sparse_depth.",
        read_only=True,
    )
    scale_sensor: str = parameter(
        "points",
        "Message type on scale_topic: points is a PointCloud2, range a Range, depth an Image.",
        choices=("points", "range", "depth"),
        read_only=True,
    )
    camera_height: float = parameter(
        0.0,
        "Height of the camera above the ground [m]; needed by scale_mode camera_height.",
        minimum=0.0,
        maximum=1e3,
    )
    camera_pitch: float = parameter(
        0.0,
        "Angle by which the camera looks down [rad]; used by scale_mode camera_height without "
        "an IMU.",
        minimum=-1.6,
        maximum=1.6,
    )
    imu_topic: str = parameter(
        "",
        "Topic of an IMU whose accelerometer gives the direction of gravity; used by scale_mode"
        " camera_height.",
        read_only=True,
    )
    scale_time_constant: float = parameter(
        2.0,
        "Time constant of the low-pass filter on a measured scale [s].",
        minimum=0.0,
        maximum=1e3,
    )
    temporal: str = parameter(
        "off",
        "Filter of the depth over time: off has none, scale keeps the scale from image to image, "
        "fuse filters each pixel along the motion of the camera as well.",
        choices=TEMPORAL_MODES,
        read_only=True,
    )
    odometry_topic: str = parameter(
        "",
        "Topic of the robot's motion, for temporal and scale_mode odometry; empty takes the motion "
        "from the transforms on /tf.",
        read_only=True,
    )
    odometry_type: str = parameter(
        "odometry",
        "Message type on odometry_topic: odometry is an Odometry, pose a PoseStamped, as of "
        "visual-inertial odometry.",
        choices=tuple(ODOMETRY_TYPES),
        read_only=True,
    )
    odometry_child_frame: str = parameter(
        "",
        "Frame whose pose odometry_topic gives, if its messages do not name it; empty takes a "
        "PoseStamped as the pose of the camera's optical frame.",
        read_only=True,
    )
    odometry_frame: str = parameter(
        "odom",
        "Parent frame on /tf of the robot's motion, without an odometry_topic.",
        read_only=True,
    )
    min_depth: float = parameter(
        0.0,
        "Smallest valid depth [m, or units if up-to-scale]; nearer pixels are published as "
        "unknown.",
        minimum=0.0,
        maximum=1e4,
    )
    max_depth: float = parameter(
        0.0,
        "Largest valid depth [m, or units if up-to-scale]; farther pixels are published as "
        "unknown; 0 sets no limit.",
        minimum=0.0,
        maximum=1e4,
    )
    depth_encoding: str = parameter(
        "32FC1",
        "Encoding of the depth image: 32FC1 is in metres, 16UC1 in millimetres (REP 118).",
        choices=("32FC1", "16UC1"),
    )
    publish_points: bool = parameter(
        False, "Whether the coloured point cloud is published on depth/points."
    )
    publish_colorized: bool = parameter(
        False, "Whether the depth is published as a colour image on depth/colorized."
    )
    publish_confidence: bool = parameter(
        False, "Whether the confidence of each pixel, 0 to 1, is published on depth/confidence."
    )
    publish_uncertainty: bool = parameter(
        False,
        "Whether the standard deviation of the depth is published on depth/uncertainty; the "
        "checkpoint needs a calibrated confidence.",
    )
    points_stride: int = parameter(
        1,
        "Distance between the rows and columns that enter the point cloud [px].",
        minimum=1,
        maximum=64,
    )
    points_max_range: float = parameter(
        0.0,
        "Largest depth of a point in the cloud [m, or units if up-to-scale]; 0 sets no limit.",
        minimum=0.0,
        maximum=1e4,
    )
    points_edge_threshold: float = parameter(
        0.1,
        "Relative depth difference between neighbours above which a pixel is left out of the "
        "cloud; 0 keeps every pixel.",
        minimum=0.0,
        maximum=1e2,
    )
    points_min_confidence: float = parameter(
        0.0,
        "Confidence below which a pixel is left out of the cloud; 0 keeps every pixel.",
        minimum=0.0,
        maximum=1.0,
    )
    image_transport: str = parameter(
        "raw",
        "Transport of the input images: raw, or compressed (JPEG or PNG on <image>/compressed).",
        choices=("raw", "compressed"),
        read_only=True,
    )
    always_on: bool = parameter(
        False, "Whether the network runs although no output has a subscriber."
    )
    rate_warn: float = parameter(
        0.0,
        "Output rate below which diagnostics warn [Hz]; 0 never warns.",
        minimum=0.0,
        maximum=1e3,
    )
    rate_error: float = parameter(
        0.0,
        "Output rate below which diagnostics report an error [Hz]; 0 never does.",
        minimum=0.0,
        maximum=1e3,
    )
    latency_warn: float = parameter(
        1.0,
        "Latency (95th percentile) above which diagnostics warn [s]; 0 never warns.",
        minimum=0.0,
        maximum=1e3,
    )
    latency_error: float = parameter(
        5.0,
        "Latency (95th percentile) above which diagnostics report an error [s]; 0 never does.",
        minimum=0.0,
        maximum=1e3,
    )

    def __post_init__(self) -> None:
        check_values(self)
        if self.max_depth and self.max_depth <= self.min_depth:
            raise ConfigError(
                f"max_depth {self.max_depth} is not above min_depth {self.min_depth}; "
                "raise max_depth"
            )
        if self.scale_mode == "camera_height" and not self.camera_height:
            raise ConfigError(
                "camera_height is 0; scale_mode camera_height needs the height of the camera [m]"
            )
        if self.scale_mode == "sparse_depth" and not self.scale_topic:
            raise ConfigError(
                "scale_topic is empty; scale_mode sparse_depth needs the topic of a sensor"
            )
        if bool(self.network_width) != bool(self.network_height):
            raise ConfigError(
                "only one of network_width and network_height is set; set both or none"
            )

    @property
    def network_size(self) -> tuple[int, int] | None:
        """Size of the network's input (width, height) [px]; None takes the checkpoint's."""
        return (self.network_width, self.network_height) if self.network_width else None

    def changed(self, changes: Mapping[str, Any]) -> DepthParameters:
        """Return a copy with changes that are made while the node runs.

        Raises:
            ConfigError: A name is unknown, a value has the wrong type or is out of range, or the
                parameter can be set at start only.
        """
        fixed = {spec.name for spec in fields(self) if spec.metadata["read_only"]}
        for name in changes:
            if name in fixed and changes[name] != getattr(self, name):
                raise ConfigError(f"{name} can be set at start only; restart the node to change it")
        return self.at_start(changes)

    def at_start(self, changes: Mapping[str, Any]) -> DepthParameters:
        """Return a copy with changes that are made before the node starts.

        Raises:
            ConfigError: A name is unknown, or a value has the wrong type or is out of range.
        """
        return replace(self, **typed_values(self, changes))


@dataclass(frozen=True)
class NodeParameters:
    """Parameters of the ROS 2 node around the component."""

    autostart: bool = parameter(
        True,
        "Whether the node configures and activates itself at start; if false it waits for ros2 "
        "lifecycle.",
        read_only=True,
    )
