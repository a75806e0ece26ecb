# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parameters of the depth node, declared once for ROS, YAML, the command line and the docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from jasmine_core.errors import ConfigError
from jasmine_core.runtime.backend import BACKENDS, PRECISIONS
from jasmine_core.runtime.scale import MODES


def _parameter(
    default: Any,
    description: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    read_only: bool = False,
) -> Any:
    """Return a dataclass field with the metadata of a parameter; `read_only`: set at start only."""
    metadata = {
        "description": description,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "read_only": read_only,
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class DepthParameters:
    """Parameters of the depth component."""

    checkpoint: str = _parameter(
        "jasmine-tiny",
        "Folder of the checkpoint, or the name of a bundled one.",
        read_only=True,
    )
    backend: str = _parameter(
        "auto",
        "Library that runs the network; auto takes tensorrt if its engines are built, else "
        "torch or onnxruntime.",
        choices=BACKENDS,
        read_only=True,
    )
    device: str = _parameter(
        "auto", "Device that runs the network: auto, cpu, cuda or cuda:N.", read_only=True
    )
    precision: str = _parameter(
        "auto",
        "Number format of the network; fp16 and bf16 need a GPU.",
        choices=PRECISIONS,
        read_only=True,
    )
    resize: str = _parameter(
        "fit",
        "Method that brings an image to the network's size: fit adds a border, stretch changes "
        "the aspect ratio, crop cuts the centre out.",
        choices=("fit", "stretch", "crop"),
        read_only=True,
    )
    network_width: int = _parameter(
        0,
        "Width of the network's input [px], a multiple of 64 (32 for jasmine-tiny); 0 takes the"
        " checkpoint's.",
        minimum=0,
        maximum=4096,
        read_only=True,
    )
    network_height: int = _parameter(
        0,
        "Height of the network's input [px], a multiple of 64 (32 for jasmine-tiny); 0 takes "
        "the checkpoint's.",
        minimum=0,
        maximum=4096,
        read_only=True,
    )
    resolution: str = _parameter(
        "camera",
        "Size of the published depth: the camera image's, or the network's smaller one.",
        choices=("camera", "network"),
        read_only=True,
    )
    rectify: str = _parameter(
        "auto",
        "When lens distortion is removed; auto removes it unless the name of the image topic "
        "contains rect.",
        choices=("auto", "always", "never"),
        read_only=True,
    )
    untagged_order: str = _parameter(
        "bgr",
        "Colour order of image encodings that name none, such as 8UC3.",
        choices=("bgr", "rgb"),
    )
    metres_per_unit: float = _parameter(
        0.0,
        "Metres per unit of the network's depth; 0 takes the checkpoint's scale, and the depth "
        "is up-to-scale if it has none.",
        minimum=0.0,
        maximum=1e6,
    )
    scale_mode: str = _parameter(
        "fixed",
        "Source of the metric scale: fixed takes metres_per_unit, camera_height the camera's "
        "height above the ground, sparse_depth a sensor on scale_topic.",
        choices=MODES,
        read_only=True,
    )
    scale_topic: str = _parameter(
        "",
        "Topic of a LiDAR, a range sensor or another depth camera; needed by scale_mode "
        "sparse_depth.",
        read_only=True,
    )
    scale_sensor: str = _parameter(
        "points",
        "Message type on scale_topic: points is a PointCloud2, range a Range, depth an Image.",
        choices=("points", "range", "depth"),
        read_only=True,
    )
    camera_height: float = _parameter(
        0.0,
        "Height of the camera above the ground [m]; needed by scale_mode camera_height.",
        minimum=0.0,
        maximum=1e3,
    )
    camera_pitch: float = _parameter(
        0.0,
        "Angle by which the camera looks down [rad]; used by scale_mode camera_height without "
        "an IMU.",
        minimum=-1.6,
        maximum=1.6,
    )
    imu_topic: str = _parameter(
        "",
        "Topic of an IMU whose accelerometer gives the direction of gravity; used by scale_mode"
        " camera_height.",
        read_only=True,
    )
    scale_time_constant: float = _parameter(
        2.0,
        "Time constant of the low-pass filter on a measured scale [s].",
        minimum=0.0,
        maximum=1e3,
    )
    min_depth: float = _parameter(
        0.0,
        "Smallest valid depth [m, or units if up-to-scale]; nearer pixels are published as "
        "unknown.",
        minimum=0.0,
        maximum=1e4,
    )
    max_depth: float = _parameter(
        0.0,
        "Largest valid depth [m, or units if up-to-scale]; farther pixels are published as "
        "unknown; 0 sets no limit.",
        minimum=0.0,
        maximum=1e4,
    )
    depth_encoding: str = _parameter(
        "32FC1",
        "Encoding of the depth image: 32FC1 is in metres, 16UC1 in millimetres (REP 118).",
        choices=("32FC1", "16UC1"),
    )
    publish_points: bool = _parameter(
        False, "Whether the coloured point cloud is published on depth/points."
    )
    publish_colorized: bool = _parameter(
        False, "Whether the depth is published as a colour image on depth/colorized."
    )
    publish_confidence: bool = _parameter(
        False, "Whether the confidence of each pixel, 0 to 1, is published on depth/confidence."
    )
    points_stride: int = _parameter(
        1,
        "Distance between the rows and columns that enter the point cloud [px].",
        minimum=1,
        maximum=64,
    )
    points_max_range: float = _parameter(
        0.0,
        "Largest depth of a point in the cloud [m, or units if up-to-scale]; 0 sets no limit.",
        minimum=0.0,
        maximum=1e4,
    )
    points_edge_threshold: float = _parameter(
        0.1,
        "Relative depth difference between neighbours above which a pixel is left out of the "
        "cloud; 0 keeps every pixel.",
        minimum=0.0,
        maximum=1e2,
    )

    image_transport: str = _parameter(
        "raw",
        "Transport of the input images: raw, or compressed (JPEG or PNG on <image>/compressed).",
        choices=("raw", "compressed"),
        read_only=True,
    )
    always_on: bool = _parameter(
        False, "Whether the network runs although no output has a subscriber."
    )
    rate_warn: float = _parameter(
        0.0,
        "Output rate below which diagnostics warn [Hz]; 0 never warns.",
        minimum=0.0,
        maximum=1e3,
    )
    rate_error: float = _parameter(
        0.0,
        "Output rate below which diagnostics report an error [Hz]; 0 never does.",
        minimum=0.0,
        maximum=1e3,
    )
    latency_warn: float = _parameter(
        1.0,
        "Latency (95th percentile) above which diagnostics warn [s]; 0 never warns.",
        minimum=0.0,
        maximum=1e3,
    )
    latency_error: float = _parameter(
        5.0,
        "Latency (95th percentile) above which diagnostics report an error [s]; 0 never does.",
        minimum=0.0,
        maximum=1e3,
    )

    def __post_init__(self) -> None:
        for spec in fields(self):
            value, rules = getattr(self, spec.name), spec.metadata
            low, high, choices = rules["minimum"], rules["maximum"], rules["choices"]
            if choices and value not in choices:
                raise ConfigError(f"{spec.name} is {value!r}; choose one of {', '.join(choices)}")
            if (low is not None and not value >= low) or (high is not None and value > high):
                limits = f"at least {low}" if high is None else f"{low}..{high}"
                raise ConfigError(f"{spec.name} is {value}; it must be {limits}")
        if self.max_depth and self.max_depth <= self.min_depth:
            raise ConfigError(
                f"depth range {self.min_depth}..{self.max_depth} is empty; raise max_depth"
            )
        if self.scale_mode == "camera_height" and not self.camera_height:
            raise ConfigError(
                "camera_height is 0; scale_mode camera_height needs the camera's height [m]"
            )
        if self.scale_mode == "sparse_depth" and not self.scale_topic:
            raise ConfigError("scale_mode sparse_depth needs the topic of a sensor in scale_topic")
        if bool(self.network_width) != bool(self.network_height):
            raise ConfigError("network_width and network_height are set together or not at all")

    @property
    def network_size(self) -> tuple[int, int] | None:
        """Return (width, height) [px], None for the checkpoint's own."""
        return (self.network_width, self.network_height) if self.network_width else None

    def changed(self, changes: Mapping[str, Any]) -> DepthParameters:
        """Return these parameters with some changed at run time, all of them or none.

        Raises ConfigError for an unknown name, a wrong type, a value out of range, or a parameter
        that can be set at start only.
        """
        fixed = {spec.name for spec in fields(self) if spec.metadata["read_only"]}
        for name in changes:
            if name in fixed and changes[name] != getattr(self, name):
                raise ConfigError(f"{name} can be set at start only; restart the node to change it")
        return self.at_start(changes)

    def at_start(self, changes: Mapping[str, Any]) -> DepthParameters:
        """Return these parameters with some replaced, before the node starts.

        Raises ConfigError for an unknown name, a wrong type or a value out of range.
        """
        kinds = {spec.name: str(spec.type) for spec in fields(self)}
        if unknown := changes.keys() - kinds.keys():
            names = ", ".join(map(repr, sorted(unknown)))
            raise ConfigError(f"parameter {names} is unknown; known are {', '.join(kinds)}")
        return replace(self, **{n: _typed(n, value, kinds[n]) for n, value in changes.items()})


def _typed(name: str, value: Any, kind: str) -> Any:
    """Return a value as the type of its parameter; an integer may stand for a float."""
    expected: type = {"str": str, "int": int, "float": float, "bool": bool}[kind]
    if isinstance(value, expected) and (expected is bool or not isinstance(value, bool)):
        return value
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    raise ConfigError(f"{name} is {value!r}; it must be of type {kind}")


@dataclass(frozen=True)
class NodeParameters:
    """Parameters of the ROS 2 node around the component."""

    autostart: bool = _parameter(
        True,
        "Whether the node configures and activates itself at start; if false it waits for ros2 "
        "lifecycle.",
        read_only=True,
    )
