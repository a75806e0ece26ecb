# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a person configures about the depth node: for ROS, YAML, command line and docs at once."""

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
    """Declare a parameter; `read_only` ones can be set at start only."""
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
    """Configure the depth node."""

    checkpoint: str = _parameter(
        "jasmine-tiny",
        "checkpoint folder, or the name of a bundled one",
        read_only=True,
    )
    backend: str = _parameter("auto", "what runs the network", choices=BACKENDS, read_only=True)
    device: str = _parameter("auto", "auto, cpu, cuda or cuda:N", read_only=True)
    precision: str = _parameter(
        "auto", "of the network; fp16 and bf16 need a GPU", choices=PRECISIONS, read_only=True
    )
    resize: str = _parameter(
        "fit",
        "how an image meets the network: fit (letterbox), stretch (as the paper), crop (centre)",
        choices=("fit", "stretch", "crop"),
        read_only=True,
    )
    network_width: int = _parameter(
        0,
        "[px] multiple of 64 (tiny: 32); 0: from the checkpoint",
        minimum=0,
        maximum=4096,
        read_only=True,
    )
    network_height: int = _parameter(
        0,
        "[px] multiple of 64 (tiny: 32); 0: from the checkpoint",
        minimum=0,
        maximum=4096,
        read_only=True,
    )
    resolution: str = _parameter(
        "camera",
        "of the published maps: the camera's own, or the network's smaller one",
        choices=("camera", "network"),
        read_only=True,
    )
    rectify: str = _parameter(
        "auto",
        "remove lens distortion; auto: unless the image's topic is named *rect*",
        choices=("auto", "always", "never"),
        read_only=True,
    )
    untagged_order: str = _parameter(
        "bgr", "colour order of encodings that name none (8UC3)", choices=("bgr", "rgb")
    )
    metres_per_unit: float = _parameter(
        0.0,
        "scale [m]; 0: from the checkpoint, up-to-scale where it has none",
        minimum=0.0,
        maximum=1e6,
    )
    scale_mode: str = _parameter(
        "fixed",
        "where metres come from: metres_per_unit (fixed), the camera's known height above the "
        "ground, or a sensor on scale_topic (sparse_depth)",
        choices=MODES,
        read_only=True,
    )
    scale_topic: str = _parameter(
        "", "of a LiDAR, a range sensor or another depth camera, for sparse_depth", read_only=True
    )
    scale_sensor: str = _parameter(
        "points",
        "what scale_topic carries: points (PointCloud2), range (Range), depth (Image)",
        choices=("points", "range", "depth"),
        read_only=True,
    )
    camera_height: float = _parameter(
        0.0, "[m] of the camera above the ground, for camera_height", minimum=0.0, maximum=1e3
    )
    camera_pitch: float = _parameter(
        0.0,
        "[rad] by which the camera looks down, for camera_height without an IMU",
        minimum=-1.6,
        maximum=1.6,
    )
    imu_topic: str = _parameter(
        "", "of an accelerometer that knows where up is, for camera_height", read_only=True
    )
    scale_time_constant: float = _parameter(
        2.0, "[s] over which a measured scale is smoothed", minimum=0.0, maximum=1e3
    )
    min_depth: float = _parameter(
        0.0, "nearer than this is unknown [m or units]", minimum=0.0, maximum=1e4
    )
    max_depth: float = _parameter(
        0.0, "farther than this is unknown [m or units]; 0: no limit", minimum=0.0, maximum=1e4
    )
    depth_encoding: str = _parameter(
        "32FC1", "32FC1 metres or 16UC1 millimetres (REP 118)", choices=("32FC1", "16UC1")
    )
    publish_points: bool = _parameter(False, "publish depth/points, a coloured cloud")
    publish_colorized: bool = _parameter(False, "publish depth/colorized, an image for people")
    publish_confidence: bool = _parameter(False, "publish depth/confidence in [0,1]")
    points_stride: int = _parameter(
        1, "take every n-th row and column for the cloud", minimum=1, maximum=64
    )
    points_max_range: float = _parameter(
        0.0, "leave out farther points [m or units]; 0: no limit", minimum=0.0, maximum=1e4
    )
    points_edge_threshold: float = _parameter(
        0.1,
        "leave out points at relative depth jumps above this; 0: keep all",
        minimum=0.0,
        maximum=1e2,
    )

    image_transport: str = _parameter(
        "raw",
        "raw images, or compressed: JPEG or PNG from the topic image/compressed",
        choices=("raw", "compressed"),
        read_only=True,
    )
    always_on: bool = _parameter(False, "work even while nobody subscribes to an output")
    rate_warn: float = _parameter(
        0.0, "[Hz] diagnostics warn below this rate of depth; 0: never", minimum=0.0, maximum=1e3
    )
    rate_error: float = _parameter(
        0.0, "[Hz] diagnostics show an error below this; 0: never", minimum=0.0, maximum=1e3
    )
    latency_warn: float = _parameter(
        1.0,
        "[s] diagnostics warn if depth is older than this (p95); 0: never",
        minimum=0.0,
        maximum=1e3,
    )
    latency_error: float = _parameter(
        5.0, "[s] diagnostics show an error above this; 0: never", minimum=0.0, maximum=1e3
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
    """Configure what belongs to a ROS 2 node rather than to depth."""

    autostart: bool = _parameter(
        True, "configure and activate at start; false: wait for `ros2 lifecycle`", read_only=True
    )
