# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Layout of the Rerun viewer: images in a column, point clouds beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

# Position of the viewpoint, its target and the up direction, in the axes of REP 103: behind and
# above the sensor. A cloud may be up-to-scale, so the unit is the median distance of its points.
_BODY = (-0.5, 0.2, 0.35), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)  # x ahead, z up
_OPTICAL = (-0.2, -0.35, -0.5), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)  # z ahead, y down


class Cloud(NamedTuple):
    """Frame and extent of a point cloud."""

    frame: str
    distance: float  # median distance of its points from the origin of the frame


def layout(images: Sequence[str], clouds: Mapping[str, Cloud]) -> Any:
    """Return the Rerun blueprint for topics of images and of point clouds."""
    rrb: Any = import_module("rerun.blueprint")
    flat = [rrb.Spatial2DView(origin=topic, name=topic) for topic in images]
    if not clouds:
        return rrb.Blueprint(rrb.Grid(*flat), collapse_panels=True)
    frame, distance = next(iter(clouds.values()))
    eye, target, up = _OPTICAL if "optical" in frame else _BODY
    solid = rrb.Spatial3DView(
        origin="/",
        contents=list(clouds),
        name=", ".join(clouds),
        spatial_information=rrb.SpatialInformation(target_frame=frame),
        eye_controls=rrb.EyeControls3D(
            position=np.multiply(eye, distance),
            look_target=np.multiply(target, distance),
            eye_up=up,
        ),
    )
    if not flat:
        return rrb.Blueprint(solid, collapse_panels=True)
    both = rrb.Horizontal(rrb.Vertical(*flat), solid, column_shares=[2, 3])
    return rrb.Blueprint(both, collapse_panels=True)
