# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth of one image message: decoding, rectification, network and metric scale."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from jasmine_core.errors import FrameError
from jasmine_core.geometry.points import limit_range
from jasmine_core.runtime.backend import StageClock
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_core.runtime.scale import Scale, fixed_scale
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.msgs.types import CompressedImage, Image
from jasmine_ros.node.camera_input import CameraInput
from jasmine_ros.node.metric_scale import MetricScale, UnscaledDepth
from jasmine_ros.node.outputs import Result
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.temporal import TemporalFilter

MIN_DEPTH = 1e-6  # [m], or units while up-to-scale; depth 0 is unknown


def current_scale(p: DepthParameters, own: Scale, metric: MetricScale | None) -> Scale:
    """Return the measured scale, or before the first measurement the fixed one.

    Args:
        p: parameters of the node.
        own: scale of the checkpoint.
        metric: measurement of the scale; None with scale_mode "fixed".
    """
    fixed = fixed_scale(p.metres_per_unit, None) if p.metres_per_unit else own
    return fixed if metric is None else metric.scale(fixed)


@dataclass(frozen=True)
class FramePipeline:
    """Steps from an image message to depth."""

    camera: CameraInput
    predictor: DepthPredictor
    metric: MetricScale | None
    temporal: TemporalFilter | None = None

    def __call__(
        self, message: Image | CompressedImage, p: DepthParameters, clock: StageClock
    ) -> Result:
        """Return the depth of an image.

        Args:
            message: image of the camera.
            p: parameters of the node.
            clock: gets the duration of each stage.

        Raises:
            FrameError: The message cannot be decoded, the image is too thin, there is no
                calibration yet, or no pixel has a depth within the limits.
            CameraError: The camera cannot be rectified.
        """
        # 1. Message to RGB.
        with clock.stage("read"):
            image = self.camera.decode(message, p)
            # A thin image is refused before it is rectified.
            self.predictor.transform((image.shape[1], image.shape[0]))

        # 2. Rectification, because the network was trained with images of pinhole cameras.
        with clock.stage("rectify"):
            view = self.camera.view()
            image = view(image)

        # 3. Depth in model units.
        prediction = self.predictor(image, float(view.camera.K[0, 0]))
        clock.seconds.update(prediction.seconds)

        # 4. Depth of the pixels that the camera sees.
        with clock.stage("scale"):
            units = prediction.depth
            if view.seen is not None:
                seen = prediction.transform.map(view.seen)
                units = np.where(seen > 0.5, units, np.float32(np.nan))
            camera, header = prediction.transform.camera(view.camera), message.header
            needs_image = self.temporal is not None or p.scale_mode == "odometry"
            shown = prediction.transform.image(image) if needs_image else None
            unscaled = UnscaledDepth(stamp_ns(header.stamp), header.frame_id, units, camera, shown)

        # 5. Consistency with the images before it.
        if self.temporal is not None and shown is not None:
            with clock.stage("temporal"):
                scale = current_scale(p, self.predictor.scale, self.metric)
                steadied = self.temporal(unscaled, shown, scale)
                units = steadied.depth
                unscaled = replace(unscaled, depth=units)
                prediction = replace(prediction, parallax=steadied.parallax)

        # 6. Depth in metres; unknown pixels are NaN (REP 118).
        with clock.stage("scale"):
            if self.metric is not None:
                self.metric.measure(p, unscaled)
            scale = current_scale(p, self.predictor.scale, self.metric)
            depth = units * np.float32(scale.metres_per_unit)
            far = p.max_depth or np.inf
            depth = limit_range(depth, max(p.min_depth, MIN_DEPTH), far)
            if not np.isfinite(depth).any():
                raise FrameError(
                    f"{self.camera.topic}: no pixel has a depth within {p.min_depth}..{far}; "
                    "check min_depth, max_depth and the checkpoint"
                )
        return Result(image, depth, prediction, view, scale)
