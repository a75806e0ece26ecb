# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""All of the depth node's behaviour, without any middleware.

A host calls the life-cycle (`configure`, `activate`, `deactivate`, `cleanup`) and delivers
messages; the component keeps the newest picture, turns it into depth, and publishes.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from threading import Lock
from typing import Any

import numpy as np

from jasmine_core.errors import CameraError, ConfigError, FrameError, JasmineError
from jasmine_core.geometry.points import (
    back_project,
    depth_to_millimetres,
    flying_pixels,
    limit_range,
    thin,
)
from jasmine_core.runtime.backend import StageClock
from jasmine_core.runtime.colorize import colorize
from jasmine_core.runtime.predictor import DepthPrediction, DepthPredictor
from jasmine_core.runtime.scale import Scale, fixed_scale
from jasmine_core.runtime.statistics import Latencies
from jasmine_ros.clouds import make_cloud
from jasmine_ros.host import Frame, Host
from jasmine_ros.images import Picture, decode, encode_image
from jasmine_ros.messages import make_camera_info, make_header, stamp_ns
from jasmine_ros.parameters import DepthParameters
from jasmine_ros.tally import Tally
from jasmine_ros.view import View, view_from

IMAGE, CAMERA_INFO = "image", "camera_info"
DEPTH, DEPTH_INFO = "depth/image_rect", "depth/camera_info"
POINTS, COLORIZED, CONFIDENCE = "depth/points", "depth/colorized", "depth/confidence"
DIAGNOSTICS = "/diagnostics"
SMALLEST_DEPTH = 1e-6  # zero is no depth
OUTPUTS = {
    DEPTH: "sensor_msgs/msg/Image",
    DEPTH_INFO: "sensor_msgs/msg/CameraInfo",
    POINTS: "sensor_msgs/msg/PointCloud2",
    COLORIZED: "sensor_msgs/msg/Image",
    CONFIDENCE: "sensor_msgs/msg/Image",
    DIAGNOSTICS: "diagnostic_msgs/msg/DiagnosticArray",
}


class DepthComponent:
    """Turn pictures into depth on behalf of a host."""

    def __init__(self, host: Host, parameters: DepthParameters) -> None:
        self.parameters = parameters
        self.tally = Tally()
        self.latencies = Latencies()
        self._host = host
        self._predictor: DepthPredictor | None = None
        self._view: View | None = None
        self._view_error: str | None = None
        self._view_key: object = None
        self._newest: Any = None
        self._lock = Lock()

    # ------------------------------------------------------------------ life-cycle

    def configure(self) -> None:
        """Load the network; raise a JasmineError if it cannot be."""
        p = self.parameters
        self._predictor = DepthPredictor.from_pretrained(
            p.checkpoint,
            backend=p.backend,
            device=p.device,
            precision=p.precision,
            resize=p.resize,  # type: ignore[arg-type]  # checked by DepthParameters
            resolution=p.resolution,  # type: ignore[arg-type]
            size=p.network_size,
        )
        for topic, type_name in OUTPUTS.items():
            self._host.advertise(topic, type_name)
        info, scale = self._predictor.backend.info, self.scale
        self._host.log(
            "info", f"model: {info.model}; {info.name} on {info.device}, {info.precision}"
        )
        if "random weights" in info.model:
            self._host.log("warn", "these weights are random: the depth means nothing")
        if scale.source == "unknown":
            self._host.log(
                "warn",
                "depth is up-to-scale: the checkpoint knows no metres; set metres_per_unit, or "
                "train with odometry",
            )
        else:
            self._host.log(
                "info", f"depth is metric: {scale.metres_per_unit:g} m per unit ({scale.source})"
            )

    def activate(self, image_type: str = "sensor_msgs/msg/Image") -> None:
        """Start listening."""
        self._host.subscribe(CAMERA_INFO, "sensor_msgs/msg/CameraInfo", self.on_camera_info)
        self._host.subscribe(IMAGE, image_type, self.on_image)
        self._host.timer(1.0, self._publish_diagnostics)

    def deactivate(self) -> None:
        """Stop listening and forget what was not yet processed."""
        self._host.unsubscribe()
        with self._lock:
            self._newest = None

    def cleanup(self) -> None:
        """Give the network's memory back."""
        self._predictor = None
        self._view, self._view_key, self._view_error = None, None, None

    # ------------------------------------------------------------------ what a host delivers

    def on_camera_info(self, message: Any) -> None:
        """Learn the camera; an unusable CameraInfo spoils frames, not the node."""
        key = _fingerprint(message)
        if key == self._view_key:
            return
        self._view_key = key
        try:
            topics = self._host.resolve(IMAGE), self._host.resolve(CAMERA_INFO)
            self._view = view_from(message, *topics, self.parameters.rectify)
            self._view_error = None
        except CameraError as err:
            self._view, self._view_error = None, str(err)
            self._host.log("error", str(err))

    def on_image(self, message: Any) -> None:
        """Keep the newest picture; an older one that still waits is dropped."""
        with self._lock:
            self.tally.received += 1
            self.tally.dropped += self._newest is not None
            self._newest = message
        self._host.schedule(self._work)

    def on_damaged(self, topic: str, reason: str) -> None:
        """Count a message that its host could not even deserialise."""
        if topic == self._host.resolve(IMAGE):
            self.tally.received += 1
            self._skip("unusable", reason)
        else:
            self._host.log("warn", reason)

    def on_parameters(self, changes: Mapping[str, Any]) -> None:
        """Change parameters at run time, all or none; raise ConfigError with the reason."""
        self.parameters = self.parameters.changed(changes)

    # ------------------------------------------------------------------ one frame

    def _work(self) -> None:
        with self._lock:
            message, self._newest = self._newest, None
        if message is None or self._predictor is None:
            return
        try:
            frame = self._process(message, self._predictor)
        except (FrameError, CameraError) as err:
            self._skip("unusable", str(err))
        except JasmineError:  # the host's own troubles, such as a full disk
            raise
        except Exception as err:
            # Whatever one frame does to a library must not stop the next one (out of memory, say).
            self._host.log("debug", traceback.format_exc())
            self._skip("failed", f"{type(err).__name__}: {err}")
        else:
            self.tally.done(frame.stamp)
            self.latencies.add(frame.seconds)
            self._host.processed(frame)

    def _process(self, message: Any, predictor: DepthPredictor) -> Frame:
        p, clock, topic = self.parameters, StageClock(), self._host.resolve(IMAGE)

        # 1. Message to RGB.
        with clock.stage("read"):
            picture = decode(message, topic, p.untagged_order)  # type: ignore[arg-type]

        # 2. Undistort: the network was taught by pinhole cameras.
        with clock.stage("rectify"):
            view = self._view_of(topic)
            picture = view(picture)

        # 3. Depth in model units.
        prediction = predictor(picture)
        clock.seconds.update(prediction.seconds)

        # 4. Metres, and NaN for whatever is not known (REP 118).
        with clock.stage("scale"):
            depth = prediction.depth * np.float32(self.scale.metres_per_unit)
            if view.seen is not None:
                seen = prediction.transform.map(view.seen)
                depth[~(seen > 0.5)] = np.nan
            far = p.max_depth or np.inf
            depth = limit_range(depth, max(p.min_depth, SMALLEST_DEPTH), far)
            if not np.isfinite(depth).any():
                raise FrameError(
                    f"{topic}: the network found no depth in {p.min_depth}..{far}; check "
                    "min_depth, max_depth and the checkpoint"
                )

        # 5. Messages out.
        with clock.stage("publish"):
            header = make_header(
                self._host.messages, stamp_ns(message.header.stamp), message.header.frame_id
            )
            self._publish(header, picture, depth, prediction, view)
        return Frame(stamp_ns(message.header.stamp), picture, depth, clock.seconds)

    def _publish(
        self,
        header: Any,
        picture: Picture,
        depth: np.ndarray[Any, np.dtype[np.float32]],
        prediction: DepthPrediction,
        view: View,
    ) -> None:
        p, host, transform = self.parameters, self._host, prediction.transform
        camera = transform.camera(view.camera)
        if host.wanted(DEPTH):
            values = depth if p.depth_encoding == "32FC1" else depth_to_millimetres(depth)
            host.publish(DEPTH, encode_image(host.messages, header, values, p.depth_encoding))
        if host.wanted(DEPTH_INFO):
            tx = view.tx * transform.scale[0]
            host.publish(DEPTH_INFO, make_camera_info(host.messages, header, camera, tx))
        if p.publish_points and host.wanted(POINTS):
            near = limit_range(depth, 0.0, p.points_max_range or np.inf)
            if p.points_edge_threshold:
                near[flying_pixels(depth, p.points_edge_threshold)] = np.nan
            near, colours, K = thin(near, transform.picture(picture), camera.K, p.points_stride)
            cloud = make_cloud(host.messages, header, back_project(near, K), colours)
            host.publish(POINTS, cloud)
        if p.publish_colorized and host.wanted(COLORIZED):
            host.publish(COLORIZED, encode_image(host.messages, header, colorize(depth), "rgb8"))
        if p.publish_confidence and host.wanted(CONFIDENCE):
            sure = encode_image(host.messages, header, prediction.confidence, "32FC1")
            host.publish(CONFIDENCE, sure)

    def _skip(self, kind: str, reason: str) -> None:
        count = self.tally.skip(kind, reason)
        if count == 1 or count % 100 == 0:  # say it once, then now and then
            self._host.log("warn", f"frame skipped ({count} so far): {reason}")

    def _view_of(self, topic: str) -> View:
        if self._view is None:
            reason = self._view_error or f"no message on {self._host.resolve(CAMERA_INFO)} yet"
            raise FrameError(f"{topic}: its camera is not known: {reason}")
        return self._view

    # ------------------------------------------------------------------ state

    @property
    def scale(self) -> Scale:
        """Return the scale in force."""
        own = self._predictor.metres_per_unit if self._predictor else None
        return fixed_scale(self.parameters.metres_per_unit or None, own)

    @property
    def predictor(self) -> DepthPredictor:
        """Return the loaded predictor."""
        if self._predictor is None:
            raise ConfigError("the component is not configured; call configure() first")
        return self._predictor

    def _publish_diagnostics(self) -> None:
        host, tally, info = self._host, self.tally, self.predictor.backend.info
        values = {
            "scale": self.scale.state,
            "model": info.model,
            "backend": f"{info.name} on {info.device}, {info.precision}",
            "received": str(tally.received),
            "processed": str(tally.processed),
            "dropped": str(tally.dropped),
            "skipped": str(tally.skipped),
        }
        metric = self.scale.state == "metric"
        status = host.messages.make(
            "diagnostic_msgs/msg/DiagnosticStatus",
            level=0 if metric else 1,  # OK, WARN
            name="jasmine_ros: depth",
            message="metric depth" if metric else "depth is up-to-scale",
            hardware_id=self._host.resolve(IMAGE),
            values=[
                host.messages.make("diagnostic_msgs/msg/KeyValue", key=key, value=value)
                for key, value in values.items()
            ],
        )
        header = make_header(host.messages, host.now(), "")
        host.publish(
            DIAGNOSTICS,
            host.messages.make(
                "diagnostic_msgs/msg/DiagnosticArray", header=header, status=[status]
            ),
        )


def _fingerprint(camera_info: Any) -> object:
    """Return something that is equal for CameraInfo of equal content, stamps aside."""
    info, roi = camera_info, camera_info.roi
    arrays = [getattr(info, n, getattr(info, n.upper(), None)) for n in "dkrp"]
    window = (roi.x_offset, roi.y_offset, roi.width, roi.height)
    return (
        (info.width, info.height, info.binning_x, info.binning_y, window),
        info.distortion_model,
        *(np.asarray(a).tobytes() for a in arrays),
    )
