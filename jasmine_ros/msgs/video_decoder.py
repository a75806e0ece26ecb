# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Decoder of H.264 and H.265 streams with PyAV (the extra `video`).

Packets come one by one from memory: no file and no address is opened.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jasmine_core.errors import FrameError
from jasmine_ros.msgs.annex_b import FrameNumbers, read_packet
from jasmine_ros.msgs.encodings import MAX_PIXELS, RgbImage

if TYPE_CHECKING:
    from av import VideoFrame

MAX_DELAY = 17  # packets after which an image must come out; the standards reorder at most 16
_MAX_IMAGES = 2  # of a packet: the two fields of an interlaced image
_PADDING = 512  # [px] more than the sum of the padding of both sides, for aspect ratios up to 8
_MAX_PARAMETERS = 1 << 16  # [bytes] of parameters that wait for their image


class Outcome(NamedTuple):
    """Image of a packet, or the reason why it has none."""

    number: int  # of the packet
    frame: VideoFrame | None
    problem: str

    def image(self) -> RgbImage:
        """Return the image as RGB [H,W,3]; raise FrameError if the packet has none.

        The matrix and range that the stream names are used, and BT.601 with studio swing otherwise.
        """
        if self.frame is None:
            raise FrameError(self.problem)
        return np.asarray(self.frame.to_ndarray(format="rgb24"), np.uint8)


class VideoDecoder:
    """Decoder of one stream: each packet has one outcome, in the order in which images are shown.

    Decoding begins with a keyframe. After a damaged or missing packet it begins again with the next
    one, because the images between would be computed from wrong ones.

    Args:
        topic: name of the stream, for error messages.
        codec: "h264" or "hevc".
        max_pixels: largest number of pixels of an image.
    """

    def __init__(self, topic: str, codec: str, max_pixels: int = MAX_PIXELS) -> None:
        self.codec = codec
        self._topic, self._max_pixels = topic, max_pixels
        self._numbers = FrameNumbers()
        self._pending: list[int] = []  # packets without an outcome, in the order of decoding
        self._parameters = b""  # of packets without an image, for the next one
        self._begin()

    def _begin(self) -> None:
        """Make a decoder that has seen nothing."""
        from av import CodecContext, VideoCodecContext

        context = CodecContext.create(self.codec, "r")
        assert isinstance(context, VideoCodecContext)
        self._context = context
        self._context.thread_count = 1  # threads would delay each image by their number
        # The decoder counts the pixels of its buffers, whose rows and columns are padded.
        most = self._max_pixels + _PADDING * isqrt(self._max_pixels)
        self._context.options = {"max_pixels": str(most)}
        self._begun = False
        self._recovering = False  # begun where the first images may have no complete references

    def feed(self, number: int, data: bytes) -> list[Outcome]:
        """Decode a packet; return the outcomes that are known now.

        Args:
            number: of the packet, which its outcome repeats; each number is used once.
            data: bytes of the packet, with the images and parameters of one message.
        """
        try:
            packet = read_packet(self.codec, data)
        except ValueError as err:
            return self._lose(number, f"the packet cannot be decoded: {err}")
        if packet.images > _MAX_IMAGES:
            return self._lose(number, f"the packet holds {packet.images} images instead of one")
        complete = self._numbers.complete(packet)
        if not packet.images:
            self._parameters = (self._parameters + data)[-_MAX_PARAMETERS:]
            return [self._problem(number, "the packet holds no image, only parameters")]
        found: list[Outcome] = []
        if self._begun and not complete:
            found = self._restart()
        if not self._begun and not packet.keyframe:
            reason = "the image depends on one that is missing or damaged"
            return [*found, self._problem(number, f"{reason}; it is skipped up to a keyframe")]
        if not self._begun:
            self._begun, self._recovering = True, not packet.closed
        data, self._parameters = self._parameters + data, b""
        self._pending.append(number)
        return found + self._decode(number, data)

    def flush(self) -> list[Outcome]:
        """Return the outcomes of all packets so far; decoding begins again with a keyframe."""
        return self._restart()

    def _decode(self, number: int, data: bytes) -> list[Outcome]:
        import av

        unit = av.Packet(data)
        unit.pts = number
        try:
            frames = self._context.decode(unit)
        except av.error.FFmpegError as err:
            return self._lose(number, self._reason(err))
        found: list[Outcome] = []
        for frame in frames:
            if frame.is_corrupt and frame.pts in self._pending:
                return found + self._lose(frame.pts, "the packet is damaged")
            found += self._give(frame)
        if number in self._pending and not self._context.has_b_frames:
            if self._recovering:
                self._pending.remove(number)
                return [*found, self._problem(number, "the image before a keyframe is incomplete")]
            return found + self._lose(number, "the packet is damaged or an image before it missing")
        while len(self._pending) > MAX_DELAY:
            found.append(self._problem(self._pending.pop(0), "the decoder returned no image"))
        return found

    def _give(self, frame: VideoFrame) -> list[Outcome]:
        if frame.pts not in self._pending:  # a second image of one packet
            return []
        self._pending.remove(frame.pts)
        self._recovering = False
        if reason := self._too_large(frame.width, frame.height):
            return [self._problem(frame.pts, reason)]
        return [Outcome(frame.pts, frame, "")]

    def _lose(self, number: int, reason: str) -> list[Outcome]:
        """Return the outcomes up to a packet that cannot be decoded."""
        if number in self._pending:
            self._pending.remove(number)
        return [*self._restart(), self._problem(number, reason)]

    def _restart(self) -> list[Outcome]:
        """Return the outcomes of all packets so far, and begin again."""
        import av

        found: list[Outcome] = []
        if self._begun:
            try:
                for frame in self._context.decode(None):
                    found += self._give(frame) if not frame.is_corrupt else []
            except av.error.FFmpegError:
                pass
        found += [self._problem(n, "the decoder returned no image") for n in self._pending]
        self._pending.clear()
        self._begin()
        return found

    def _problem(self, number: int, reason: str) -> Outcome:
        return Outcome(number, None, f"{self._topic}: {reason}")

    def _reason(self, err: Exception) -> str:
        reason = self._too_large(self._context.width, self._context.height)
        return reason or f"the packet cannot be decoded: {type(err).__name__}; check the connection"

    def _too_large(self, width: int, height: int) -> str:
        if width * height <= self._max_pixels:
            return ""
        return (
            f"image is {width}x{height} px, more than max_image_pixels {self._max_pixels}; reduce "
            "the image, or raise max_image_pixels"
        )
