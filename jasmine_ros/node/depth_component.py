# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth component: the behaviour of the depth node, independent of the middleware.

A host calls the life-cycle (`configure`, `activate`, `deactivate`, `cleanup`) and the callbacks of
the topics; the component keeps the newest image, computes its depth and publishes it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from threading import Lock
from time import perf_counter
from typing import Any, NamedTuple

from jasmine_core.artifacts.checkpoint import UNTRAINED
from jasmine_core.errors import (
    CameraError,
    ConfigError,
    EngineError,
    ExportError,
    FrameError,
    JasmineError,
)
from jasmine_core.runtime.backend import BackendInfo, StageClock
from jasmine_core.runtime.memory import keep_freed_memory
from jasmine_core.runtime.predictor import DepthPredictor
from jasmine_core.runtime.scale import Scale, fixed_scale
from jasmine_core.runtime.statistics import Latencies
from jasmine_ros.msgs.messages import copy_header, stamp_ns
from jasmine_ros.msgs.transforms import TransformBuffer
from jasmine_ros.msgs.types import CameraInfo, CompressedImage, Image, SetBoolRequest
from jasmine_ros.node.camera_input import CameraInput
from jasmine_ros.node.camera_motion import CameraMotion
from jasmine_ros.node.diagnostics import ACTIVE, FAILED, INACTIVE, LOADING, Health, Report, State
from jasmine_ros.node.frame_counts import LOG_EVERY, FrameCounts
from jasmine_ros.node.frame_pipeline import FramePipeline, current_scale
from jasmine_ros.node.host import Frame, Host
from jasmine_ros.node.metric_scale import MetricScale
from jasmine_ros.node.outputs import Outputs
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.temporal import TemporalFilter, pose_net_of
from jasmine_ros.node.topics import ENABLE, SERVICES
from jasmine_ros.node.worker import heartbeat

Load = Callable[..., DepthPredictor]  # with the arguments of DepthPredictor.from_pretrained
PROGRESS = 10.0  # [s] between log lines while a network is loaded or an engine is built


class _Arrival(NamedTuple):
    message: Image | CompressedImage
    delay: int  # [ns] from its stamp to its arrival, on the host's clock
    time: float  # [s] of its arrival, on the clock of `perf_counter`


class DepthComponent:
    """Depth node without middleware: images in, depth and diagnostics out.

    Args:
        host: middleware.
        parameters: parameters of the node.
        load: replaces `DepthPredictor.from_pretrained`, where a process keeps its network.
    """

    def __init__(self, host: Host, parameters: DepthParameters, load: Load | None = None) -> None:
        self.parameters = parameters
        self._load = load
        self.counts = FrameCounts()
        self.latencies = Latencies()
        self._host = host
        self._camera = CameraInput(host)
        self._outputs = Outputs(host)
        self._state = State()
        self._health = Health()
        self._predictor: DepthPredictor | None = None
        self._metric: MetricScale | None = None  # None with scale_mode "fixed"
        self._temporal: TemporalFilter | None = None  # None with temporal "off"
        self._motion: CameraMotion | None = None  # None if neither of them needs it
        self._newest: _Arrival | None = None
        self._arriving, self._publishing = Lock(), Lock()
        host.diagnose(self.report)

    # ------------------------------------------------------------------ life-cycle

    def configure(self) -> None:
        """Load the network; raise a JasmineError if it cannot be loaded."""
        p, self._state = self.parameters, State(LOADING)
        keep_freed_memory()  # for the next image; the whole process belongs to the node
        try:
            with heartbeat(PROGRESS, self._log_progress):
                load = self._load or DepthPredictor.from_pretrained
                self._predictor = load(
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
        self._state = State(INACTIVE)
        transforms = TransformBuffer()
        motion = CameraMotion(self._host, transforms)
        self._motion = motion if p.temporal != "off" or p.scale_mode == "odometry" else None
        if p.scale_mode != "fixed":
            self._metric = MetricScale(self._host, p.scale_mode, transforms, motion)
        if p.temporal != "off":
            self._temporal = TemporalFilter(self._host, p.temporal, motion, pose_net_of(p))
        self._log_model(self._predictor.backend.info)
        if p.publish_uncertainty and self._predictor.calibration is None:
            self._host.log(
                "warn",
                f"depth/uncertainty is not published: the confidence of {p.checkpoint} is not "
                f"calibrated; run jasmine calibrate {p.checkpoint}",
            )

    def fail(self, problem: str) -> None:
        """Report on /diagnostics why the node could not be configured."""
        self._state = State(FAILED, problem)

    def activate(self, image_type: str | None = None) -> None:
        """Create outputs, inputs and the service; `image_type` is the type of the input images.

        Without it the parameter image_transport and the name of the topic decide the type.
        """
        self._outputs.advertise()
        self._state, self._health = State(ACTIVE), Health()
        self._camera.subscribe(self.parameters, image_type, self.on_image, self.on_camera_info)
        if self._motion is not None:
            self._motion.subscribe(self.parameters)
        if self._metric is not None:
            self._metric.subscribe(self.parameters, with_transforms=self._motion is None)
        self._host.service(ENABLE, SERVICES[ENABLE], self.on_enable)

    def deactivate(self) -> None:
        """End inputs and outputs; the image that waits is not processed any more."""
        with self._publishing:
            self._state = State(INACTIVE)
        self._host.unsubscribe()
        with self._arriving:
            self.counts.ignored += self._newest is not None
            self._newest = None
        self._host.unadvertise()

    def cleanup(self) -> None:
        """Free the memory of the network."""
        self._state = State()
        self._predictor = None
        self._metric = self._temporal = self._motion = None
        self._camera.reset()

    # ------------------------------------------------------------------ callbacks of a host

    def on_camera_info(self, message: CameraInfo) -> None:
        """Store the calibration of the camera."""
        self._camera.on_camera_info(message, self.parameters.rectify)

    def on_image(self, message: Image | CompressedImage) -> None:
        """Keep the newest image; an older one that still waits is dropped."""
        self._camera.on_image()
        delay = self._host.now() - stamp_ns(message.header.stamp)
        with self._arriving:
            self.counts.received += 1
            if not self._state.enabled:
                self.counts.ignored += 1
                return
            self.counts.dropped += self._newest is not None
            self._newest = _Arrival(message, delay, perf_counter())
        self._host.schedule(self._work)

    def on_damaged(self, topic: str, reason: str) -> None:
        """Count a message that the host could not deserialise."""
        if topic == self.image_topic:
            self.counts.received += 1
            self._skip("unusable", reason)
        else:
            self._host.log("warn", reason)

    def on_enable(self, request: SetBoolRequest) -> dict[str, object]:
        """Start or stop the processing of images; return the response of `std_srvs/SetBool`."""
        self._state.enabled = bool(request.data)
        text = "enabled" if request.data else "disabled: images are ignored"
        self._host.log("info", text)
        return {"success": True, "message": text}

    def on_parameters(self, changes: Mapping[str, Any]) -> None:
        """Change all given parameters or none; raise ConfigError if a change is invalid."""
        self.parameters = self.parameters.changed(changes)

    def report(self) -> Report:
        """Return the report for /diagnostics."""
        info = self._predictor.backend.info if self._predictor else None
        return self._health.report(
            self._host.now(),
            self._state,
            self.parameters,
            self.counts,
            info,
            self.scale,
            self.image_topic,
            self.input_facts,
        )

    # ------------------------------------------------------------------ one frame

    def _work(self) -> None:
        with self._arriving:
            arrival, self._newest = self._newest, None
        if arrival is None or self._predictor is None:
            return
        p = self.parameters
        self._state.subscribed = p.always_on or self._outputs.subscribed(p)
        if not self._state.subscribed:
            self.counts.ignored += 1
            return
        try:
            frame = self._process(arrival, p, self._predictor)
        except (FrameError, CameraError, EngineError, ExportError) as err:
            # The last two: the image has a new size, and the engine or graph for it is missing.
            self._skip("unusable", str(err))
        except JasmineError:  # an error of the host, such as a full disk
            raise
        except Exception as err:
            # An error of a library in one image, such as out of memory, must not stop the node.
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
        pipeline = FramePipeline(self._camera, predictor, self._metric, self._temporal)
        result = pipeline(message, p, clock)
        # `deactivate` takes the same lock, so that no topic is destroyed between two outputs.
        with self._publishing, clock.stage("publish"):
            if self._state.phase != ACTIVE:
                return None
            header = copy_header(self._host.messages, message.header)
            self._outputs.publish(p, header, result)
            latency = arrival.delay / 1e9 + perf_counter() - arrival.time
            self._outputs.publish_latency(latency)
        self._health.add(clock.seconds, latency)
        return Frame(stamp_ns(message.header.stamp), result.image, result.depth, clock.seconds)

    def _skip(self, kind: str, reason: str) -> None:
        count = self.counts.skip(kind, reason)
        if count == 1 or count % LOG_EVERY == 0:
            self._host.log("warn", f"image skipped ({count} so far): {reason}")

    def _log_progress(self, seconds: float) -> None:
        self._host.log("info", f"the network has been loading for {seconds:.0f} s")

    def _log_model(self, info: BackendInfo) -> None:
        log, scale = self._host.log, self.scale
        log("info", f"model: {info.model}; {info.name} on {info.device}, {info.precision}")
        if info.sizes:
            sizes = ", ".join(f"{w}x{h}" for w, h in info.sizes)
            log(
                "info",
                f"images are brought to the exported sizes ({sizes} px); for another one set "
                "network_width and network_height",
            )
        if info.untrained:
            log("warn", UNTRAINED)
        if self._metric is not None:
            log("info", f"the metric scale is measured by {self.parameters.scale_mode}")
        elif scale.source == "unknown":
            log(
                "warn",
                "depth is up-to-scale: the checkpoint has no metric scale; set metres_per_unit, "
                "or train with odometry",
            )
        elif scale.spread is not None:
            log(
                "warn",
                f"depth is in estimated metres: the checkpoint learned {scale.metres_per_unit:g} m "
                f"per unit from other cameras, with a spread of {scale.spread:.0%}; set "
                "metres_per_unit or scale_mode, or train with odometry",
            )
        else:
            log("info", f"depth is metric: {scale.metres_per_unit:g} m per unit ({scale.source})")

    # ------------------------------------------------------------------ state

    @property
    def image_topic(self) -> str:
        """Topic of the images."""
        return self._camera.topic

    @property
    def input_facts(self) -> dict[str, str]:
        """Assumptions and findings about the images, by subject."""
        facts = dict(self._camera.facts)
        for part in (self._metric, self._temporal):
            facts |= part.facts if part is not None else {}
        return {name: fact for name, fact in facts.items() if fact}

    @property
    def scale(self) -> Scale:
        """Current scale."""
        own = self._predictor.scale if self._predictor else fixed_scale(None, None)
        return current_scale(self.parameters, own, self._metric)

    @property
    def predictor(self) -> DepthPredictor:
        """Loaded predictor; raises ConfigError before `configure`."""
        if self._predictor is None:
            raise ConfigError("the component is not configured; call configure() first")
        return self._predictor
