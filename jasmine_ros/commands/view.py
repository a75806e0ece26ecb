# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Watch live topics without a ROS 2 installation: `jasmine view`, in Rerun's viewer or a file."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from tyro.conf import Positional, arg

from jasmine_core.errors import CameraError, ConfigError, FrameError
from jasmine_core.interrupt import Interrupt
from jasmine_ros.commands.view_layout import Cloud, layout
from jasmine_ros.dds.uri import domain_id, require_cyclonedds
from jasmine_ros.msgs.camera_info import calibration_of
from jasmine_ros.msgs.images import decode, decode_depth
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.msgs.point_clouds import read_colours, read_points
from jasmine_ros.msgs.transforms import TRANSFORMS, numbers_of
from jasmine_ros.node.topics import COMPRESSED_TYPE, IMAGE_TYPE, INFO_TYPE, info_beside

if TYPE_CHECKING:
    from jasmine_ros.dds.participant import Participant
    from jasmine_ros.dds.wire import Reader

LOOK_ROUND = 1.0  # [s] between looks for new topics
TIMELINE = "stamp"
_DEEP = 100  # transforms that are kept for a moment in which nobody reads

# What one message shows: entity, what is logged there, whether it holds for ever.
Shown = Iterator[tuple[str, Any, bool]]


@dataclass(frozen=True)
class ViewRun:
    """Say what to watch, and where to."""

    topics: Annotated[Positional[tuple[str, ...]], arg(metavar="[TOPIC ...]")] = ()
    """topics to show; all that can be shown unless given"""
    save: Annotated[Path | None, arg(metavar="FILE.rrd")] = None
    """write a file for Rerun instead of opening its viewer"""
    seconds: Annotated[float | None, arg(metavar="SECONDS")] = None
    """stop after this long; until Ctrl-C unless given"""
    domain: Annotated[int | None, arg(metavar="ID")] = None
    """DDS domain; ROS_DOMAIN_ID unless given"""
    interface: Annotated[str, arg(metavar="NAME")] = "lo"
    """network interface; lo keeps everything on this machine"""


def require_rerun() -> Any:
    """Return the module rerun; raise ConfigError with the remedy where it is not installed."""
    try:
        return import_module("rerun")
    except ImportError as err:
        raise ConfigError(
            f"the viewer needs Rerun ({err}): pip install 'jasmine_ros[viz]' with Python 3.11 or "
            "newer; with ROS 2 use RViz"
        ) from err


def view(what: ViewRun) -> dict[str, int]:
    """Show what arrives until Ctrl-C; return how many messages of each topic were shown."""
    require_cyclonedds()
    rerun = require_rerun()
    from jasmine_ros.dds.graph import distribution_types
    from jasmine_ros.dds.participant import Participant

    recording = rerun.RecordingStream("jasmine")
    if what.save is None:
        recording.spawn()
    else:
        what.save.parent.mkdir(parents=True, exist_ok=True)
        what.save.touch()  # tells in plain words why it cannot be written
        recording.save(what.save)
    domain = domain_id(what.domain)
    with (
        Interrupt() as interrupt,
        Participant(distribution_types(), domain, what.interface) as participant,
    ):
        window = Window(participant, recording, Show(rerun), what.topics)
        print(f"watching domain {domain}", file=sys.stderr)
        end = time.monotonic() + (float("inf") if what.seconds is None else what.seconds)
        while not interrupt.requested and (now := time.monotonic()) < end:
            window.look_round(now)
            participant.wait(min(LOOK_ROUND / 10, end - now))
            window.receive()
        window.lay_out()
    recording.disconnect()  # writes what a file still lacks
    for topic, count in sorted(window.shown.items()):
        print(f"{topic}: {count} messages")
    if what.save is not None:
        print(f"see {what.save}: rerun {what.save}")
    return dict(window.shown)


class Window:
    """Find topics, subscribe to them and log what they carry."""

    def __init__(
        self, participant: Participant, recording: Any, show: Show, topics: tuple[str, ...]
    ) -> None:
        from cyclonedds.builtin import BuiltinDataReader, BuiltinTopicDcpsPublication

        from jasmine_ros.dds.graph import Graph

        self.shown: Counter[str] = Counter()
        self._participant, self._recording, self._show = participant, recording, show
        self._wanted = {topic if topic.startswith("/") else f"/{topic}" for topic in topics}
        self._readers: dict[str, tuple[Reader, str]] = {}  # by topic, with its ROS type
        self._graph = Graph(participant, "view")
        self._graph.announce([], [])
        self._news = BuiltinDataReader(participant.entity, BuiltinTopicDcpsPublication)
        self._next_look = 0.0
        self._troubled: set[str] = set()
        self._laid_out = 0  # topics that have a place in the viewer

    def look_round(self, now: float) -> None:
        """Subscribe to what has appeared since the last look; `now` is in seconds."""
        from jasmine_ros.dds.types import ros_type_name

        if now < self._next_look:
            return
        self._next_look = now + LOOK_ROUND
        self.lay_out()
        before = len(self._readers)
        for sample in self._news.take(1000):
            if not (sample.topic_name or "").startswith("rt/"):
                continue  # not of ROS, or the news that a writer has gone
            topic, kind = sample.topic_name[2:], ros_type_name(sample.type_name)
            known = topic in self._readers or kind not in self._show.kinds
            if not known and topic in (self._wanted or {topic}):
                self._readers[topic] = self._subscribe(topic, kind), kind
        if len(self._readers) > before:
            self._graph.announce([reader for reader, _ in self._readers.values()], [])

    def lay_out(self) -> None:
        """Give what has appeared a place in the viewer."""
        images, clouds = self._show.images, self._show.clouds
        if len(images) + len(clouds) > self._laid_out:
            self._laid_out = len(images) + len(clouds)
            self._recording.send_blueprint(layout(sorted(images), clouds))

    def receive(self) -> None:
        """Log everything that has arrived."""
        for topic, (reader, kind) in self._readers.items():
            while (payload := reader.take()) is not None:
                try:
                    message = self._participant.typestore.deserialize_cdr(payload, kind)
                    self._log(topic, kind, message)
                except Exception as err:  # whatever a stranger's bytes do to a parser
                    self._complain(topic, err)
                else:
                    self.shown[topic] += 1

    def _subscribe(self, topic: str, kind: str) -> Reader:
        from jasmine_ros.dds.graph import type_hash

        user_data, latched = type_hash(self._participant.typestore, kind), topic.endswith("_static")
        return self._participant.reader(
            f"rt{topic}",
            kind,
            user_data,
            depth=_DEEP if kind == TRANSFORMS else 1,
            reliable=latched,
            transient=latched,
        )

    def _log(self, topic: str, kind: str, message: Any) -> None:
        for entity, what, forever in self._show(topic, kind, message):
            if not forever:
                self._recording.set_time(TIMELINE, timestamp=_time(message))
            self._recording.log(entity, what, static=forever)

    def _complain(self, topic: str, err: Exception) -> None:
        if topic not in self._troubled:
            self._troubled.add(topic)
            text = str(err) if isinstance(err, (FrameError, CameraError)) else f"{topic}: {err}"
            print(f"warn: {text}", file=sys.stderr)


class Show:
    """Turn messages into what Rerun draws; frames of TF keep their names.

    An image lies on the plane of the camera whose CameraInfo is beside it.
    """

    def __init__(self, rerun: Any) -> None:
        self._rr = rerun
        self._placed: dict[str, str] = {}  # entity: frame
        self.images: set[str] = set()
        self.clouds: dict[str, Cloud] = {}
        self.kinds: dict[str, Callable[[str, Any], Shown]] = {
            IMAGE_TYPE: self._image,
            COMPRESSED_TYPE: self._compressed,
            INFO_TYPE: self._camera_info,
            "sensor_msgs/msg/PointCloud2": self._cloud,
            TRANSFORMS: self._transforms,
        }

    def __call__(self, topic: str, kind: str, message: Any) -> Shown:
        """Yield what a message of one of `kinds` shows."""
        return self.kinds[kind](topic, message)

    def _image(self, topic: str, message: Any) -> Shown:
        self.images.add(topic)
        yield from self._place(topic, info_beside(topic))
        if message.encoding in ("32FC1", "16UC1"):
            yield topic, self._rr.DepthImage(decode_depth(message, topic), meter=1.0), False
        else:
            yield topic, self._rr.Image(decode(message, topic)), False

    def _compressed(self, topic: str, message: Any) -> Shown:
        self.images.add(topic)
        yield from self._place(topic, info_beside(topic))
        data = bytes(message.data)
        if data.startswith(b"\xff\xd8"):
            yield topic, self._rr.EncodedImage(contents=data, media_type="image/jpeg"), False
        else:
            yield topic, self._rr.Image(decode(message, topic)), False

    def _camera_info(self, topic: str, message: Any) -> Shown:
        camera = calibration_of(message, topic).rectified_camera
        pinhole = self._rr.Pinhole(
            image_from_camera=camera.K,
            width=camera.width,
            height=camera.height,
            parent_frame=message.header.frame_id.lstrip("/"),
            child_frame=topic,
        )
        yield topic, pinhole, False

    def _cloud(self, topic: str, message: Any) -> Shown:
        frame = message.header.frame_id.lstrip("/")
        yield from self._place(topic, frame)
        points, colours = read_points(message, topic), read_colours(message, topic)
        known = np.isfinite(points).all(axis=1)
        if topic not in self.clouds and known.any():
            reach = float(np.median(np.linalg.norm(points[known], axis=1)))
            self.clouds[topic] = Cloud(frame, reach)
        some = None if colours is None else colours[known]
        yield topic, self._rr.Points3D(points[known], colors=some), False

    def _transforms(self, topic: str, message: Any) -> Shown:
        for stamped in message.transforms:
            parent, child = stamped.header.frame_id.lstrip("/"), stamped.child_frame_id.lstrip("/")
            numbers = numbers_of(stamped.transform.translation, stamped.transform.rotation)
            if numbers is None:
                continue
            transform = self._rr.Transform3D(
                translation=numbers[:3],
                quaternion=numbers[3:],
                parent_frame=parent,
                child_frame=child,
            )
            yield f"{topic}/{child}", transform, topic.endswith("_static")

    def _place(self, entity: str, frame: str) -> Shown:
        """Say which frame an entity is in, where that is news."""
        if self._placed.get(entity) != frame:
            self._placed[entity] = frame
            yield entity, self._rr.CoordinateFrame(frame), True


def _time(message: Any) -> Any:
    header = message.header if hasattr(message, "header") else message.transforms[0].header
    return np.datetime64(stamp_ns(header.stamp), "ns")
