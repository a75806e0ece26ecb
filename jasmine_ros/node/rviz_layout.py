# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""RViz layout for the topics of one node, with a view that fits the scale of its depth."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.config import read_mapping
from jasmine_core.errors import JasmineError
from jasmine_ros.node.topics import COMPRESSED, IMAGE, OUTPUTS

_ENTRY = "ros__parameters"  # of a parameter file


@dataclass(frozen=True)
class ScaleView:
    """View of a cloud, behind and above the camera, whose frame has z forward and y down."""

    distance: float  # of the eye from the focal point [m or units]
    focal_z: float  # depth of the focal point [m or units]
    max_range: float  # of the points [m or units]; farther ones are sky or unreliable
    axes: float  # scale of the axes of TF frames


METRIC = ScaleView(distance=20.0, focal_z=12.0, max_range=50.0, axes=1.0)
# Depth of the network is at most 3 units; the sky has this value.
UNITS = ScaleView(distance=1.4, focal_z=0.6, max_range=2.9, axes=0.08)
PITCH = -1.35  # [rad] of the view


def configured(params_file: str | Path) -> dict[str, Any]:
    """Return the parameters in a ROS parameter file; those of later nodes override earlier ones."""
    values: dict[str, Any] = {}
    for entry in read_mapping(Path(params_file)).values():
        given = entry.get(_ENTRY) if isinstance(entry, Mapping) else None
        values |= given if isinstance(given, Mapping) else {}
    return values


def view_of(parameters: Mapping[str, Any]) -> ScaleView:
    """Return the view for the depth of a node with these parameters: in metres or in units."""
    if parameters.get("scale_mode", "fixed") != "fixed":
        return METRIC  # The scale is measured when the node runs.
    scale = parameters.get("metres_per_unit") or _scale_of(
        parameters.get("checkpoint", "jasmine-tiny")
    )
    if scale is None:
        return UNITS
    return replace(METRIC, max_range=min(METRIC.max_range, UNITS.max_range * float(scale)))


def _scale_of(checkpoint: str) -> float | None:
    """Return the scale of a checkpoint [m], None if its depth is up-to-scale or it is invalid."""
    try:
        return Checkpoint.resolve(checkpoint).metres_per_unit
    except JasmineError:  # The node reports it.
        return None


def cloud_parameters(parameters: Mapping[str, Any], view: ScaleView) -> dict[str, Any]:
    """Return the parameters that make a cloud small enough for RViz, unless they are set."""
    chosen: dict[str, Any] = {}
    if parameters.get("points_stride", 1) == 1:
        chosen["points_stride"] = 2
    if not parameters.get("points_max_range"):
        chosen["points_max_range"] = view.max_range
    return chosen


def write_layout(
    template: str | Path, view: ScaleView, *, image: str, namespace: str, compressed: bool
) -> str:
    """Write the layout of one node to a temporary file and return its name.

    Args:
        template: `config/depth.rviz`.
        view: view of the 3D display.
        image: topic of the camera images, resolved.
        namespace: namespace of the node, with a slash at its beginning, or empty.
        compressed: whether the node takes compressed images. RViz's Image display chooses the
            transport by the last part of the topic's name (image_transport).
    """
    layout = read_mapping(Path(template))
    manager = layout["Visualization Manager"]
    topics = {f"/{IMAGE}": image + (COMPRESSED if compressed else "")}
    topics |= {f"/{output}": f"{namespace}/{output}" for output in OUTPUTS if output[0] != "/"}
    set_topics(manager["Displays"], topics)
    for display in manager["Displays"]:
        if display["Class"] == "rviz_default_plugins/TF":
            display["Marker Scale"] = view.axes
    current = manager["Views"]["Current"]
    current |= {"Distance": view.distance, "Pitch": PITCH}
    current["Focal Point"] = {"X": 0, "Y": 0, "Z": view.focal_z}
    with tempfile.NamedTemporaryFile(
        "w", prefix="jasmine_ros_", suffix=".rviz", delete=False
    ) as file:
        yaml.safe_dump(layout, file, sort_keys=False)
    return file.name


def set_topics(displays: Sequence[dict[str, Any]], topics: Mapping[str, str]) -> None:
    """Replace the topics of the displays."""
    for display in displays:
        if "Topic" in display:
            display["Topic"]["Value"] = topics[display["Topic"]["Value"]]
