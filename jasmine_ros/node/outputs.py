# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Outputs of the node for one image, computed for the topics that have subscribers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jasmine_core.geometry.points import (
    back_project,
    depth_to_millimetres,
    limit_range,
    thin,
    without_flying_pixels,
)
from jasmine_core.runtime.colorize import colorize
from jasmine_core.runtime.predictor import DepthPrediction
from jasmine_core.runtime.scale import Scale
from jasmine_ros.msgs.camera_info import make_camera_info
from jasmine_ros.msgs.encodings import RgbImage
from jasmine_ros.msgs.rectification import View
from jasmine_ros.msgs.types import Header
from jasmine_ros.node.host import Host
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.topics import (
    COLORIZED,
    CONFIDENCE,
    DEPTH,
    DEPTH_INFO,
    DIAGNOSTICS,
    LATENCY,
    OUTPUTS,
    POINTS,
    UNCERTAINTY,
)


@dataclass(frozen=True)
class Result:
    """Depth of one image."""

    image: RgbImage  # rectified
    depth: NDArray[np.float32]  # [h,w] in [m], or units while up-to-scale; NaN is unknown
    prediction: DepthPrediction
    view: View
    scale: Scale  # of the depth


class Outputs:
    """Publishers of the output topics."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def advertise(self) -> None:
        """Advertise all topics except /diagnostics, which the host publishes."""
        for topic, type_name in OUTPUTS.items():
            if topic != DIAGNOSTICS:
                self._host.advertise(topic, type_name)

    def subscribed(self, p: DepthParameters) -> bool:
        """Return whether an output that these parameters enable has a subscriber."""
        return any(self._host.wanted(topic) for topic in self._enabled(p))

    def publish(self, p: DepthParameters, header: Header, result: Result) -> None:
        """Publish the depth and what is derived from it, on every topic with a subscriber."""
        host, depth, prediction = self._host, result.depth, result.prediction
        make, transform = host.conversion, prediction.transform
        camera = transform.camera(result.view.camera)
        wanted = {topic for topic in self._enabled(p) if host.wanted(topic)}
        if DEPTH in wanted:
            values = depth if p.depth_encoding == "32FC1" else depth_to_millimetres(depth)
            host.publish(DEPTH, make.encode(header, values, p.depth_encoding))
        if DEPTH_INFO in wanted:
            tx = result.view.tx * transform.scale[0]
            host.publish(DEPTH_INFO, make_camera_info(host.messages, header, camera, tx))
        if POINTS in wanted:
            near = depth
            if p.points_edge_threshold:  # before the range limit, which hides the far side of edges
                near = without_flying_pixels(near, p.points_edge_threshold)
            if p.points_min_confidence:
                sure = prediction.confidence >= p.points_min_confidence  # False for NaN
                near = np.where(sure, near, np.float32(np.nan))
            if p.points_max_range:
                near = limit_range(near, 0.0, p.points_max_range)
            colours = transform.image(result.image)
            near, colours, K = thin(near, colours, camera.K, p.points_stride)
            host.publish(POINTS, make.cloud(header, back_project(near, K), colours))
        if COLORIZED in wanted:
            host.publish(COLORIZED, make.encode(header, colorize(depth), "rgb8"))
        if CONFIDENCE in wanted:
            host.publish(CONFIDENCE, make.encode(header, prediction.confidence, "32FC1"))
        if UNCERTAINTY in wanted and prediction.spread is not None:
            deviation = depth * np.hypot(prediction.spread, np.float32(result.scale.spread or 0))
            host.publish(UNCERTAINTY, make.encode(header, deviation, "32FC1"))

    def publish_latency(self, seconds: float) -> None:
        """Publish the latency of the depth that was published last."""
        if self._host.wanted(LATENCY):
            make = self._host.messages.make
            self._host.publish(LATENCY, make("std_msgs/msg/Float32", data=seconds))

    def _enabled(self, p: DepthParameters) -> list[str]:
        optional = {
            POINTS: p.publish_points,
            COLORIZED: p.publish_colorized,
            CONFIDENCE: p.publish_confidence,
            UNCERTAINTY: p.publish_uncertainty,
        }
        return [t for t in OUTPUTS if t != DIAGNOSTICS and optional.get(t, True)]
