# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine view`: a result, a recording or live topics in the Rerun viewer or in a file."""

from __future__ import annotations

import logging
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from tyro.conf import Positional

from jasmine_core.commands.options import option
from jasmine_core.errors import CameraError, ConfigError, FrameError
from jasmine_core.interrupt import Interrupt
from jasmine_ros.commands.options import Domain, Interface, Seconds, expect_duration
from jasmine_ros.commands.view_file import expect_replaceable, growing
from jasmine_ros.commands.view_layout import layout
from jasmine_ros.commands.view_messages import Converter
from jasmine_ros.dds.uri import domain_id, require_cyclonedds
from jasmine_ros.msgs.messages import stamp_ns
from jasmine_ros.msgs.transforms import TRANSFORMS

if TYPE_CHECKING:
    from jasmine_ros.commands.view_file import GrowingFile
    from jasmine_ros.dds.participant import Participant
    from jasmine_ros.dds.wire import Reader

SEARCH_PERIOD = 1.0  # [s] between searches for new topics
TIMELINE = "stamp"
_TRANSFORM_QUEUE = 100  # messages; several arrive between two reads
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ViewRequest:
    """Show images, depth, point clouds, frames and curves in the Rerun viewer.

    OUT is a folder that jasmine run, train, evaluate or prepare wrote, and BAG a recording; both
    are shown on a timeline. TOPIC is a live topic.
    """

    #: One result or recording, or live topics; by default all live topics of known types. A name
    #: that exists on the disk is not taken for a topic.
    topics: Annotated[Positional[tuple[str, ...]], option("[OUT|BAG|TOPIC ...]")] = ()
    #: File for Rerun, written instead of opening the viewer.
    save: Annotated[Path | None, option("FILE.rrd", "--rrd")] = None
    #: Largest number of images of each topic of a result or recording, at equal distances in time.
    max_frames: Annotated[int, option("N")] = 300
    #: Time after which the viewer of live topics stops [s]; by default it runs until Ctrl-C.
    seconds: Seconds = None
    #: DDS domain of live topics; by default the value of ROS_DOMAIN_ID, or 0.
    domain: Domain = None
    #: Network interface of live topics; by default lo, which keeps all messages on this
    #: machine. It has no effect if CYCLONEDDS_URI is set.
    interface: Interface = None

    def __post_init__(self) -> None:
        expect_duration(self.seconds, "--seconds")
        if self.max_frames < 1:
            raise ConfigError(f"--max-frames is {self.max_frames}; it must be at least 1")


def view(request: ViewRequest) -> int:
    """Show what is requested, and print the number of messages of each topic."""
    from jasmine_ros.commands.view_finished import finished_path, show_finished

    path = finished_path(request.topics)
    if request.save is not None:
        expect_replaceable(request.save)
    if path is None:
        shown = show_topics(request)
    elif request.seconds is not None or request.domain is not None or request.interface:
        raise ConfigError(f"{path} is a path; --seconds, --domain and --interface are for topics")
    else:
        shown = show_finished(path, request.save, request.max_frames)
    for topic, count in sorted(shown.items()):
        print(f"{topic}: {count} {'messages' if path is None else 'shown'}")
    if request.save is not None:
        if path is None and not shown:
            _log.error("%s is not written, because no message was received", request.save)
            return 1
        print(f"see {request.save}: rerun {request.save}")
    return 0


def require_rerun() -> Any:
    """Return the module rerun; raise ConfigError with the remedy if it is not installed."""
    try:
        return import_module("rerun")
    except ImportError as err:
        raise ConfigError(
            f"the viewer needs Rerun ({err}); pip install 'jasmine_ros[viz]' with Python 3.11 or "
            "later, or use RViz with ROS 2"
        ) from err


def show_topics(request: ViewRequest) -> dict[str, int]:
    """Show messages until Ctrl-C; return the number of shown messages of each topic."""
    rerun = require_rerun()  # first, because its extra also installs Cyclone DDS
    require_cyclonedds()
    from jasmine_ros.commands.view_finished import may_be_path
    from jasmine_ros.dds.graph import distribution_types
    from jasmine_ros.dds.participant import Participant

    recording = rerun.RecordingStream("jasmine")
    domain = domain_id(request.domain)
    with ExitStack() as stack:
        file: GrowingFile | None = None
        if request.save is None:
            recording.spawn()
        else:
            file = stack.enter_context(growing(recording, request.save))
        interrupt = stack.enter_context(Interrupt())
        participant = stack.enter_context(
            Participant(distribution_types(), domain, request.interface)
        )
        viewer = Viewer(participant, recording, Converter(rerun), request.topics)
        for topic in filter(may_be_path, request.topics):
            shown_as = "%s does not exist on the disk and is shown as the live topic %s"
            _log.info(shown_as, topic, absolute(topic))
        _log.info("showing topics of domain %d", domain)
        end = time.monotonic() + (float("inf") if request.seconds is None else request.seconds)
        failed = False
        while not (interrupt.requested or failed) and (now := time.monotonic()) < end:
            failed = file is not None and file.has_failed
            viewer.find_topics(now)
            participant.wait(min(SEARCH_PERIOD / 10, end - now))
            viewer.receive()
            if file is not None and viewer.shown:
                file.keep()
        viewer.arrange()
        if not failed:
            viewer.warn_of_silence()
        if file is None:
            recording.disconnect()  # sends buffered data to the viewer
    return dict(viewer.shown)


class Viewer:
    """Subscriber to live topics that logs their messages to Rerun."""

    def __init__(
        self,
        participant: Participant,
        recording: Any,
        converter: Converter,
        topics: tuple[str, ...],
    ) -> None:
        from cyclonedds.builtin import BuiltinDataReader, BuiltinTopicDcpsPublication

        from jasmine_ros.dds.graph import Graph

        self.shown: Counter[str] = Counter()
        self._participant, self._recording, self._converter = participant, recording, converter
        self._wanted = {absolute(topic) for topic in topics}
        self._readers: dict[str, tuple[Reader, str]] = {}  # by topic, with its ROS type
        self._graph = Graph(participant, "view")
        self._graph.announce([], [])
        self._publications = BuiltinDataReader(participant.entity, BuiltinTopicDcpsPublication)
        self._next_search = 0.0
        self._warned: set[str] = set()  # topics
        self._arranged = 0  # topics that have a place in the viewer

    def find_topics(self, now: float) -> None:
        """Subscribe to topics that appeared since the last search; `now` is in seconds."""
        from jasmine_ros.dds.types import ros_type_name

        if now < self._next_search:
            return
        self._next_search = now + SEARCH_PERIOD
        self.arrange()
        before = len(self._readers)
        for sample in self._publications.take(1000):
            if not (sample.topic_name or "").startswith("rt/"):
                continue  # not a ROS topic, or a publication that ended
            topic, kind = sample.topic_name[2:], ros_type_name(sample.type_name)
            if topic in self._readers or topic not in (self._wanted or {topic}):
                continue
            if kind in self._converter.kinds:
                self._readers[topic] = self._subscribe(topic, kind), kind
            elif self._wanted:
                self._warn(topic, f"{topic} has the type {kind}, which cannot be shown")
        if len(self._readers) > before:
            self._graph.announce([reader for reader, _ in self._readers.values()], [])

    def arrange(self) -> None:
        """Give new topics a place in the viewer."""
        images, clouds = self._converter.images, self._converter.clouds
        if len(images) + len(clouds) > self._arranged:
            self._arranged = len(images) + len(clouds)
            self._recording.send_blueprint(layout(sorted(images), clouds))

    def warn_of_silence(self) -> None:
        """Log the topics without a message."""
        for topic in sorted(self._wanted - self.shown.keys() - self._warned):
            _log.warning("no message received on %s", topic)
        if not self._wanted and not self.shown:
            _log.warning("no message received on any topic of domain %d", self._participant.domain)

    def receive(self) -> None:
        """Log everything that has arrived."""
        for topic, (reader, kind) in self._readers.items():
            while (payload := reader.take()) is not None:
                try:
                    message = self._participant.typestore.deserialize_cdr(payload, kind)
                    self._log(topic, kind, message)
                except Exception as err:  # damaged bytes may raise anything in a parser
                    named = isinstance(err, (FrameError, CameraError))  # these name the topic
                    text = f"a message on {topic} cannot be shown: {err}"
                    self._warn(topic, str(err) if named else text)
                else:
                    self.shown[topic] += 1

    def _subscribe(self, topic: str, kind: str) -> Reader:
        from jasmine_ros.dds.graph import type_hash

        user_data, latched = type_hash(self._participant.typestore, kind), topic.endswith("_static")
        return self._participant.reader(
            f"rt{topic}",
            kind,
            user_data,
            depth=_TRANSFORM_QUEUE if kind == TRANSFORMS else 1,
            reliable=latched,
            transient=latched,
        )

    def _log(self, topic: str, kind: str, message: Any) -> None:
        for entity, archetype, static in self._converter(topic, kind, message):
            if not static:
                self._recording.set_time(TIMELINE, timestamp=_time(message))
            self._recording.log(entity, archetype, static=static)

    def _warn(self, topic: str, text: str) -> None:
        """Log a warning, once for each topic."""
        if topic not in self._warned:
            self._warned.add(topic)
            _log.warning("%s", text)


def absolute(topic: str) -> str:
    """Return the full name of a topic, in the root namespace if it is relative."""
    return topic if topic.startswith("/") else f"/{topic}"


def _time(message: Any) -> Any:
    header = message.header if hasattr(message, "header") else message.transforms[0].header
    return np.datetime64(stamp_ns(header.stamp), "ns")
