# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images of a video topic of a bag, in the place of its packets.

Everything that reads images of a bag then gets `sensor_msgs/Image`, one for each packet.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Protocol

from jasmine_core.errors import FrameError
from jasmine_ros.bags.bag_message import BagMessage
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.annex_b import read_packet
from jasmine_ros.msgs.messages import make_header
from jasmine_ros.msgs.types import Image
from jasmine_ros.msgs.video import VideoPacket, packet_of
from jasmine_ros.msgs.video_decoder import Outcome, VideoDecoder

_SEARCHED = (32, 256, 1024)  # packets before a time among which the keyframe is searched for


class Source(Protocol):
    """Bag, as far as a video topic reads it."""

    def packets(self, topic: str, start: int | None, stop: int | None) -> Iterator[BagMessage]:
        """Yield the messages of a topic as they are stored."""

    def stamps(self, topic: str) -> list[int]:
        """Return the times of recording [ns] of the messages of a topic, in order."""

    def decode(self, message: BagMessage) -> object:
        """Deserialize a message; raise FrameError if its bytes do not fit its type."""


@dataclass(frozen=True)
class VideoTopic:
    """Video topic whose packets are decoded."""

    source: Source
    topic: str
    max_pixels: int

    def with_images(
        self, messages: Iterable[BagMessage], start: int | None = None
    ) -> Iterator[BagMessage]:
        """Yield messages with the images of this topic in the place of its packets.

        Images come in the order in which they are shown, which may differ from that of their
        packets; each keeps stamp and time of recording of its own packet. Messages of other topics
        wait for the images that were recorded before them.

        Args:
            messages: messages of this topic and of others, in the order of recording.
            start: time of recording [ns] of the first one. Decoding begins with the keyframe before
                it; None: with the first message.
        """
        stream = _Stream(self)
        if start is not None:
            for packet in self._packets_before(start):
                stream.feed(packet)
            stream.forget()
        held: deque[BagMessage] = deque()  # recorded after a packet without an outcome
        images: deque[BagMessage] = deque()

        def release() -> Iterator[BagMessage]:
            while held and (images or held[0].topic != self.topic):
                first = held.popleft()
                yield images.popleft() if first.topic == self.topic else first

        for message in messages:
            held.append(message)
            if message.topic == self.topic:
                images.extend(stream.feed(message))
            yield from release()
        images.extend(stream.flush())
        yield from release()

    def _packets_before(self, start: int) -> Iterator[BagMessage]:
        """Yield the packets before a time of recording [ns] that decoding from there on needs."""
        begin = self._last_keyframe(start)
        if begin is not None and begin < start:
            yield from self.source.packets(self.topic, begin, start)

    def _last_keyframe(self, start: int) -> int | None:
        """Return when the last keyframe up to the first packet from `start` on was recorded [ns].

        Images after an open keyframe may refer to those before it: then it is the one before.
        """
        stamps = self.source.stamps(self.topic)
        first = bisect_left(stamps, start)
        if first == 0:
            return None
        stop = stamps[min(first, len(stamps) - 1)] + 1  # the first packet may be a keyframe
        begin: int | None = None
        for count in _SEARCHED:
            last: int | None = None
            for message in self.source.packets(self.topic, stamps[max(0, first - count)], stop):
                try:
                    packet = packet_of(self.source.decode(message), self.topic)
                    found = read_packet(packet.codec, packet.data)
                except (FrameError, ValueError):
                    continue
                if found.keyframe:
                    begin = message.stamp if found.closed or last is None else last
                    last = message.stamp
            if begin is not None or count >= first:
                break
        return begin


class _Stream:
    """Packets of one pass over a bag, with their decoder."""

    def __init__(self, video: VideoTopic) -> None:
        self._video = video
        self._decoder: VideoDecoder | None = None
        self._packets: dict[int, tuple[BagMessage, VideoPacket]] = {}  # those without an outcome
        self._forgotten = self._count = 0

    def feed(self, message: BagMessage) -> list[BagMessage]:
        """Return the images that are complete with a packet."""
        number, video = self._count, self._video
        self._count += 1
        try:
            packet = packet_of(video.source.decode(message), video.topic)
        except FrameError as err:
            return [*self.flush(), _failed(message, str(err))]
        found: list[BagMessage] = []
        if self._decoder is None or self._decoder.codec != packet.codec:
            found = self.flush()
            self._decoder = VideoDecoder(video.topic, packet.codec, video.max_pixels)
        self._packets[number] = message, packet
        return found + self._messages(self._decoder.feed(number, packet.data))

    def forget(self) -> None:
        """Leave out the images of all packets so far."""
        self._forgotten = self._count

    def flush(self) -> list[BagMessage]:
        """Return the images of all packets so far."""
        return self._messages(self._decoder.flush()) if self._decoder else []

    def _messages(self, outcomes: list[Outcome]) -> list[BagMessage]:
        messages = []
        for outcome in outcomes:
            message, packet = self._packets.pop(outcome.number)
            if outcome.number >= self._forgotten:
                messages.append(replace(message, image=partial(_image, outcome, packet)))
        return messages


def _image(outcome: Outcome, packet: VideoPacket) -> Image:
    rgb = outcome.image()
    height, width = rgb.shape[:2]
    messages = _factory()
    message: Image = messages.make(
        "sensor_msgs/msg/Image",
        header=make_header(messages, packet.stamp, packet.frame_id),
        height=height,
        width=width,
        encoding="rgb8",
        step=3 * width,
        data=rgb,
    )
    return message


def _failed(message: BagMessage, reason: str) -> BagMessage:
    def fail() -> Image:
        raise FrameError(reason)

    return replace(message, image=fail)


@cache
def _factory() -> RosbagsMessages:
    return RosbagsMessages()
