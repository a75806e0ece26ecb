# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth component: the behaviour of the depth node, independent of the middleware.

A host calls the life-cycle (`configure`, `activate`, `deactivate`, `cleanup`) and delivers
messages; the component keeps the newest image, turns it into depth, and publishes.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from threading import Lock
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from jasmine_core.artifacts.checkpoint import UNTRAINED
from jasmine_core.errors import (
    CameraError,
    ConfigError,
    EngineError,
    ExportError,
    FrameError,
    JasmineError,
)
from jasmine_core.geometry.points import limit_range
from jasmine_core.runtime.backend import StageClock
from jasmine_core.runtime.memory import keep_freed_memory
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_core.runtime.scale import Scale, fixed_scale
from jasmine_core.runtime.statistics import Latencies
from jasmine_ros.msgs.messages import copy_header, stamp_ns
from jasmine_ros.node.camera_input import CameraInput
from jasmine_ros.node.diagnostics import (
    ACTIVE,
    FAILED,
    INACTIVE,
    LOADING,
    Condition,
    Health,
    Report,
)
from jasmine_ros.node.frame_counts import FrameCounts
from jasmine_ros.node.host import Frame, Host
from jasmine_ros.node.metric_scale import Look, MetricScale
from jasmine_ros.node.outputs import Outputs, Result
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.topics import ENABLE, SERVICES
from jasmine_ros.node.worker import heartbeat

SMALLEST_DEPTH = 1e-6  # zero is no depth
PROGRESS = 10.0  # [s] between words about a network that is being loaded or built


class _Arrival(NamedTuple):
    message: Any
    late: int  # [ns] from its stamp until it arrived, on the host's clock
    began: float  # [s] when it arrived, on the clock that measures durations


class DepthComponent:
    """Turn images into depth on behalf of a host."""

    def __init__(self, host: Host, parameters: DepthParameters) -> None:
        self.parameters = parameters
        self.counts = FrameCounts()
        self.latencies = Latencies()
        self._host = host
        self._camera = CameraInput(host)
        self._outputs = Outputs(host)
        self._condition = Condition()
        self._health = Health()
        self._predictor: DepthPredictor | None = None
        self._metric: MetricScale | None = None  # where metres are measured
        self._newest: _Arrival | None = None
        self._incoming, self._outgoing = Lock(), Lock()
        host.diagnose(self.report)

    # ------------------------------------------------------------------ life-cycle

    def configure(self) -> None:
        """Load the network; raise a JasmineError if it cannot be."""
        p, self._condition = self.parameters, Condition(LOADING)
        keep_freed_memory()  # of one frame for the next: a node is the whole of its process
        try:
            with heartbeat(PROGRESS, self._say_loading):
                self._predictor = DepthPredictor.from_pretrained(
                    p.checkpoint,
                    backend=p.backend,
                    device=p.device,
                    precision=p.precision,
                    resize=p.resize,  # type: ignore[arg-type]  # checked by DepthParameters
                    resolution=p.resolution,  # type: ignore[arg-type]
                    size=p.network_size,
                )
        except Exception as err:
            self.fail(str(err) or type(err).__name__)
            raise
        self._condition = Condition(INACTIVE)
        self._metric = None if p.scale_mode == "fixed" else MetricScale(self._host, p.scale_mode)
        info, scale = self._predictor.backend.info, self.scale
        self._host.log(
            "info", f"model: {info.model}; {info.name} on {info.device}, {info.precision}"
        )
        if info.untrained:
            self._host.log("warn", UNTRAINED)
        if self._metric is not None:
            self._host.log("info", f"metres are measured: {p.scale_mode}")
        elif scale.source == "unknown":
            self._host.log(
                "warn",
                "depth is up-to-scale: the checkpoint knows no metres; set metres_per_unit, or "
                "train with odometry",
            )
        else:
            self._host.log(
                "info", f"depth is metric: {scale.metres_per_unit:g} m per unit ({scale.source})"
            )

    def fail(self, problem: str) -> None:
        """Show on /diagnostics why the node could not be configured."""
        self._condition = Condition(FAILED, problem)

    def activate(self, image_type: str | None = None) -> None:
        """Publish, and start listening; `image_type` where a host knows it for certain."""
        self._outputs.advertise()
        self._condition, self._health = Condition(ACTIVE), Health()
        self._camera.subscribe(self.parameters, image_type, self.on_image, self.on_camera_info)
        if self._metric is not None:
            self._metric.subscribe(self.parameters)
        self._host.service(ENABLE, SERVICES[ENABLE], self.on_enable)

    def deactivate(self) -> None:
        """Stop listening and forget what was not yet published."""
        with self._outgoing:
            self._condition = Condition(INACTIVE)
        self._host.unsubscribe()
        with self._incoming:
            self.counts.ignored += self._newest is not None
            self._newest = None
        self._host.unadvertise()

    def cleanup(self) -> None:
        """Give the network's memory back."""
        self._condition = Condition()
        self._predictor = None
        self._metric = None
        self._camera.forget()

    # ------------------------------------------------------------------ what a host delivers

    def on_camera_info(self, message: Any) -> None:
        """Learn the camera."""
        self._camera.learn(message, self.parameters.rectify)

    def on_image(self, message: Any) -> None:
        """Keep the newest image; an older one that still waits is dropped."""
        self._camera.image_came()
        late = self._host.now() - stamp_ns(message.header.stamp)
        with self._incoming:
            self.counts.received += 1
            if not self._condition.enabled:
                self.counts.ignored += 1
                return
            self.counts.dropped += self._newest is not None
            self._newest = _Arrival(message, late, perf_counter())
        self._host.schedule(self._work)

    def on_damaged(self, topic: str, reason: str) -> None:
        """Count a message that its host could not even deserialise."""
        if topic == self.image_topic:
            self.counts.received += 1
            self._skip("unusable", reason)
        else:
            self._host.log("warn", reason)

    def on_enable(self, request: Any) -> dict[str, Any]:
        """Rest, or work again, as a `std_srvs/SetBool` asks."""
        self._condition.enabled = bool(request.data)
        text = "enabled" if request.data else "disabled: images are left alone"
        self._host.log("info", text)
        return {"success": True, "message": text}

    def on_parameters(self, changes: Mapping[str, Any]) -> None:
        """Change parameters at run time, all or none; raise ConfigError with the reason."""
        self.parameters = self.parameters.changed(changes)

    def report(self) -> Report:
        """Say how the node is."""
        info = self._predictor.backend.info if self._predictor else None
        return self._health.judge(
            self._host.now(),
            self._condition,
            self.parameters,
            self.counts,
            info,
            self.scale,
            self.image_topic,
        )

    # ------------------------------------------------------------------ one frame

    def _work(self) -> None:
        with self._incoming:
            arrival, self._newest = self._newest, None
        if arrival is None or self._predictor is None:
            return
        p = self.parameters
        self._condition.listened = p.always_on or self._outputs.listened(p)
        if not self._condition.listened:
            self.counts.ignored += 1
            return
        try:
            frame = self._process(arrival, p, self._predictor)
        except (FrameError, CameraError, EngineError, ExportError) as err:
            # The last two: images of a new size, and no graph for it where there was one.
            self._skip("unusable", str(err))
        except JasmineError:  # the host's own troubles, such as a full disk
            raise
        except Exception as err:
            # Whatever one frame does to a library must not stop the next one (out of memory, say).
            self._host.log("debug", traceback.format_exc())
            self._skip("failed", f"{type(err).__name__}: {err}")
        else:
            if frame is None:
                self.counts.ignored += 1
                return
            self.counts.done(frame.stamp)
            self.latencies.add(frame.seconds)
            self._host.processed(frame)

    def _process(
        self, arrival: _Arrival, p: DepthParameters, predictor: DepthPredictor
    ) -> Frame | None:
        """Publish the depth of one image; return None if the node was deactivated meanwhile."""
        clock, message = StageClock(), arrival.message

        # 1. Message to RGB.
        with clock.stage("read"):
            order: Any = p.untagged_order  # checked by DepthParameters
            image = self._host.conversion.decode(message, self.image_topic, order)

        # 2. Undistort: the network was taught by pinhole cameras.
        with clock.stage("rectify"):
            view = self._camera.view()
            image = view(image)

        # 3. Depth in model units.
        prediction = predictor(image, float(view.camera.K[0, 0]))
        clock.seconds.update(prediction.seconds)

        # 4. Metres, and NaN for whatever is not known (REP 118).
        with clock.stage("scale"):
            units = prediction.depth
            if view.seen is not None:
                seen = prediction.transform.map(view.seen)
                units = np.where(seen > 0.5, units, np.float32(np.nan))
            if (metric := self._metric) is not None:
                camera = prediction.transform.camera(view.camera)
                stamp, frame = stamp_ns(message.header.stamp), message.header.frame_id
                metric.look(p, Look(stamp, frame, units, camera))
            depth = units * np.float32(self._scale(p).metres_per_unit)
            far = p.max_depth or np.inf
            depth = limit_range(depth, max(p.min_depth, SMALLEST_DEPTH), far)
            if not np.isfinite(depth).any():
                raise FrameError(
                    f"{self.image_topic}: the network found no depth in {p.min_depth}..{far}; "
                    "check min_depth, max_depth and the checkpoint"
                )

        # 5. Messages out, all of them before the topics can go away.
        with self._outgoing, clock.stage("publish"):
            if self._condition.phase != ACTIVE:
                return None
            header = copy_header(self._host.messages, message.header)
            self._outputs.publish(p, header, Result(image, depth, prediction, view))
            age = arrival.late / 1e9 + perf_counter() - arrival.began
            self._outputs.publish_latency(age)
        self._health.add(clock.seconds, age)
        return Frame(stamp_ns(message.header.stamp), image, depth, clock.seconds)

    def _skip(self, kind: str, reason: str) -> None:
        count = self.counts.skip(kind, reason)
        if count == 1 or count % 100 == 0:  # say it once, then now and then
            self._host.log("warn", f"frame skipped ({count} so far): {reason}")

    def _say_loading(self, seconds: float) -> None:
        self._host.log("info", f"still loading the network, {seconds:.0f} s so far")

    # ------------------------------------------------------------------ state

    @property
    def image_topic(self) -> str:
        """Return the topic of the images."""
        return self._camera.topic

    @property
    def scale(self) -> Scale:
        """Return the scale in force."""
        return self._scale(self.parameters)

    def _scale(self, p: DepthParameters) -> Scale:
        own = self._predictor.metres_per_unit if self._predictor else None
        fixed = fixed_scale(p.metres_per_unit or None, own)
        return fixed if (metric := self._metric) is None else metric.scale(fixed)

    @property
    def predictor(self) -> DepthPredictor:
        """Return the loaded predictor."""
        if self._predictor is None:
            raise ConfigError("the component is not configured; call configure() first")
        return self._predictor
