# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Layout of the Rerun viewer: images in a column, point clouds beside them, curves below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

# Position of the viewpoint, its target and the up direction, in the axes of REP 103: behind and
# above the sensor. A cloud may be up-to-scale, so the unit is the median distance of its points.
_BODY = (-0.5, 0.2, 0.35), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)  # x ahead, z up
_OPTICAL = (-0.2, -0.35, -0.5), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)  # z ahead, y down
_MOST_CURVES, _MOST_TABS = 24, 24  # that have a place of their own


class Cloud(NamedTuple):
    """Frame and extent of a point cloud."""

    frame: str
    distance: float  # median distance of its points from the origin of the frame


def layout(images: Sequence[str], clouds: Mapping[str, Cloud], curves: Sequence[str] = ()) -> Any:
    """Return the Rerun blueprint for images and point clouds, with curves below them."""
    rrb: Any = import_module("rerun.blueprint")
    views = _spatial(rrb, images, clouds)
    if curves:
        plots = [rrb.TimeSeriesView(origin=curve, name=curve) for curve in curves[:_MOST_CURVES]]
        shown = images or clouds
        below = rrb.Grid(*plots)
        views = rrb.Vertical(views, below, row_shares=[3, 1]) if shown else below
    return rrb.Blueprint(views, collapse_panels=True)


def _spatial(rrb: Any, images: Sequence[str], clouds: Mapping[str, Cloud]) -> Any:
    """Return the container or the view of images and point clouds."""
    flat = [rrb.Spatial2DView(origin=topic, name=topic) for topic in images]
    if not clouds:
        return rrb.Grid(*flat)
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
        return solid
    return rrb.Horizontal(rrb.Vertical(*flat), solid, column_shares=[2, 3])


def sequence_layout(roots: Sequence[str]) -> Any:
    """Return the Rerun blueprint for prepared sequences: a tab with images and path for each."""
    rrb: Any = import_module("rerun.blueprint")
    tabs = [
        rrb.Horizontal(
            rrb.Spatial2DView(origin=f"{root}/camera", name="image"),
            rrb.Spatial3DView(origin=root, name="path of the camera"),
            name=root,
        )
        for root in roots[:_MOST_TABS]
    ]
    return rrb.Blueprint(rrb.Tabs(*tabs), collapse_panels=True)
