# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""`jasmine play`: the camera of a recording on live topics."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from tqdm import tqdm

from jasmine_core.commands.options import option
from jasmine_core.errors import BagError, ConfigError, FrameError
from jasmine_core.interrupt import Interrupt
from jasmine_ros.bags.camera_topics import choose_camera
from jasmine_ros.bags.qos import LATCHED_DEPTH
from jasmine_ros.bags.reader import IMAGE, Bag, without_strays
from jasmine_ros.bags.reader import Topic as BagTopic
from jasmine_ros.commands.options import Domain, Interface, Recording, Topic, expect_seconds
from jasmine_ros.dds.uri import domain_id, require_cyclonedds
from jasmine_ros.msgs.transforms import TF_STATIC, TRANSFORMS
from jasmine_ros.msgs.video import VIDEO_TYPES, raw_topic

if TYPE_CHECKING:
    from jasmine_ros.dds.wire import Writer

QUEUE_DEPTH = 5  # messages, as camera drivers keep
LINGER = 0.5  # [s] for the last messages to leave
UNNOTICED = 2.0  # [s] of waiting for a subscriber that are not logged
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlayRequest:
    """Publish the camera of a recording on live topics, at the recorded rate.

    These are the images, the CameraInfo and the fixed transforms on /tf_static.
    """

    #: Recording: a rosbag2 folder, or an .mcap or .db3 file.
    bag: Recording
    #: Topic of the images; may be omitted if the recording has one camera.
    image: Topic = None
    #: Topic of the CameraInfo; by default the one beside the images.
    camera_info: Topic = None
    #: Factor on the recorded rate; 2 plays twice as fast.
    rate: Annotated[float, option("FACTOR")] = 1.0
    #: Whether the recording starts again at its end, until Ctrl-C.
    loop: bool = False
    #: Longest time to wait for a subscriber before the first message [s].
    wait: Annotated[float, option("SECONDS")] = 10.0
    #: DDS domain; by default the value of ROS_DOMAIN_ID, or 0.
    domain: Domain = None
    #: Network interface; by default lo, which keeps all messages on this machine. It has no
    #: effect if CYCLONEDDS_URI is set.
    interface: Interface = None

    def __post_init__(self) -> None:
        if not self.rate > 0:
            raise ConfigError(f"--rate is {self.rate}; it must be above 0")
        expect_seconds(self.wait, "--wait")
        if self.wait < 0:
            raise ConfigError(f"--wait is {self.wait:g}; it must be 0 or more")


def play(request: PlayRequest) -> int:
    """Publish the recording and print the number of messages."""
    print(f"{publish_camera(request)} messages published")
    return 0


def publish_camera(request: PlayRequest) -> int:
    """Publish images and CameraInfo; return the number of messages.

    Recorded bytes are published as they are, and the images of a video stream as raw images.
    """
    require_cyclonedds()
    from jasmine_ros.dds.graph import Graph, distribution_types, type_hash
    from jasmine_ros.dds.participant import Participant

    store = distribution_types()
    domain = domain_id(request.domain)
    with (
        Bag(request.bag) as bag,
        Interrupt() as interrupt,
        Participant(store, domain, request.interface) as participant,
    ):
        # 1. Announce a node with the topics of the camera and the fixed transforms.
        camera = choose_camera(bag, request.image, request.camera_info)
        topics = [topic for topic in (camera.image, camera.info) if topic]
        video = bag.topics[camera.image].type in VIDEO_TYPES
        static = [t.name for t in bag.topics.values() if t.type == TRANSFORMS and _is_static(t)]
        writers: dict[str, Writer] = {}
        for topic in [*topics, *static]:
            _expect_ros2(bag, topic)
            kind, latched = bag.image_type(topic), topic in static
            name = raw_topic(topic) if video and topic == camera.image else topic
            writers[topic] = participant.writer(
                f"rt{name}",
                kind,
                type_hash(store, kind),
                depth=LATCHED_DEPTH if latched else QUEUE_DEPTH,
                transient=latched,
            )
        graph = Graph(participant, "play")
        graph.announce([], writers.values())

        for message in bag.messages(static) if static else ():
            _publish(writers[message.topic], message.topic, message.raw)

        # 2. Wait for a subscriber.
        if video:
            _log.info("%s is video, published as images on %s", topics[0], raw_topic(topics[0]))
        _log.info("publishing %s on domain %d", " and ".join(topics), domain)
        name = raw_topic(camera.image) if video else camera.image
        if not _wait_for_subscriber(writers[camera.image], name, request.wait, interrupt):
            return 0

        # 3. Publish each message when it is due.
        images = without_strays(bag.stamps(camera.image))
        if not images:
            raise BagError(f"{camera.image} in {request.bag} has no messages")
        sent = skipped = 0
        with tqdm(unit="message", disable=None) as bar:
            while not interrupt.requested:
                began = time.monotonic()
                for message in bag.messages(topics, stop=images[-1] + 1):
                    due = began + (message.stamp - images[0]) / 1e9 / request.rate
                    while (early := due - time.monotonic()) > 0 and not interrupt.requested:
                        time.sleep(min(early, 0.1))
                    if interrupt.requested:
                        break
                    raw = message.raw
                    if message.image is not None:
                        try:
                            raw = bytes(store.serialize_cdr(bag.decode(message), IMAGE))
                        except FrameError as err:  # a packet without an image
                            skipped += 1
                            if skipped == 1:
                                _log.warning("%s", err)
                            continue
                    sent += _publish(writers[message.topic], message.topic, raw)
                    bar.update()
                if not request.loop:
                    break
        time.sleep(LINGER)
    if skipped:
        _log.warning("%d packets of %s hold no image that can be decoded", skipped, camera.image)
    return sent


def _wait_for_subscriber(writer: Writer, topic: str, seconds: float, interrupt: Interrupt) -> bool:
    """Wait until a topic has a subscriber, or some seconds are over; return False for Ctrl-C.

    A subscriber that runs already is found within a second or so; only a longer wait is logged.
    """
    began, logged = time.monotonic(), False
    while not writer.matched and (waited := time.monotonic() - began) < seconds:
        if interrupt.requested:
            _log.info("ended before %s had a subscriber", topic)
            return False
        if waited > UNNOTICED and not logged:
            logged = True
            _log.info(
                "waiting for a subscriber to %s, at most %g s; Ctrl-C ends the wait", topic, seconds
            )
        time.sleep(0.02)
    if seconds and not writer.matched:
        _log.warning("%s has no subscriber after %g s; publishing without one", topic, seconds)
    return True


def _is_static(topic: BagTopic) -> bool:
    return topic.name.endswith(TF_STATIC) and topic.count > 0


def _expect_ros2(bag: Bag, topic: str) -> None:
    if any(c.topic == topic and c.encoding != "cdr" for c in bag.connections):
        raise BagError(
            f"{topic} in {bag.path} has messages of ROS 1, which are serialized differently; "
            "convert the bag with rosbags-convert"
        )


def _publish(writer: Writer, topic: str, raw: bytes) -> bool:
    try:
        return bool(writer.write(raw))
    except ValueError as err:  # one damaged message must not end the playback
        _log.warning("a message on %s is not published: %s", topic, err)
        return False
