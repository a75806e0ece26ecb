# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Structure of H.264 and H.265 packets in the byte stream format (Annex B of both standards).

Only headers are read, to find out whether decoding can begin with a packet and whether an image
before it is missing. The decoder itself reports neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MAX_UNITS = 2048  # NAL units of a packet; an image has some units, and at most some hundred slices
_HEADER_BYTES = 64  # of a slice, more than the fields that are read
_START = b"\x00\x00\x01"
# Types of NAL units of H.264.
_SLICES, _IDR, _SPS = (1, 2, 5), 5, 7
# H.264 profiles with chroma format and scaling matrices in their parameter sets.
_HIGH_PROFILES = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)
# Types of NAL units of H.265: slices, and those of images with which decoding can begin. After the
# last of these, CRA, images that refer to earlier ones may follow.
_SLICES_265, _RANDOM_ACCESS_265, _CRA = range(32), range(16, 22), 21


@dataclass(frozen=True)
class Packet:
    """Facts about one packet of a stream."""

    images: int  # that begin in it; a field counts as one
    keyframe: bool  # decoding can begin with it
    closed: bool  # no image after it refers to one before it
    slices: tuple[bytes, ...]  # H.264: first bytes of slices that begin an image
    parameters: bytes  # H.264: the last sequence parameter set, empty without one


def read_packet(codec: str, data: bytes) -> Packet:
    """Read the structure of a packet of "h264" or "hevc".

    Raises:
        ValueError: it is not in the byte stream format, or has too many units.
    """
    if not data[:4].lstrip(b"\x00").startswith(b"\x01") or not data.startswith(b"\x00\x00"):
        raise ValueError("it does not begin with a start code (Annex B)")
    return _read_264(data) if codec == "h264" else _read_265(data)


def _read_264(data: bytes) -> Packet:
    slices, keyframe, closed, parameters = [], False, False, b""
    for at, end in _units(data):
        kind = data[at] & 0x1F
        if kind == _SPS:
            parameters = data[at:end]
        elif kind in _SLICES and data[at + 1 : at + 2] >= b"\x80":  # its first macroblock is 0
            slices.append(data[at : min(end, at + _HEADER_BYTES)])
            closed |= kind == _IDR
    keyframe = closed or bool(slices and parameters)
    return Packet(len(slices), keyframe, closed, tuple(slices), parameters)


def _read_265(data: bytes) -> Packet:
    images, keyframe, closed = 0, False, False
    for at, _ in _units(data):
        kind = data[at] >> 1 & 0x3F
        if kind in _SLICES_265 and data[at + 2 : at + 3] >= b"\x80":  # the first slice of an image
            images += 1
            keyframe |= kind in _RANDOM_ACCESS_265
            closed |= kind in _RANDOM_ACCESS_265 and kind != _CRA
    return Packet(images, keyframe, closed, (), b"")


def _units(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield the begin and the end of each NAL unit."""
    at = data.find(_START)
    for _ in range(MAX_UNITS):
        begin = at + len(_START)
        at = data.find(_START, begin)
        end = len(data) if at < 0 else at
        if begin < end:
            yield begin, end
        if at < 0:
            return
    raise ValueError(f"it has more than {MAX_UNITS} NAL units")


class FrameNumbers:
    """Check for missing images of an H.264 stream by `frame_num`, which counts reference images.

    The decoder of FFmpeg replaces a missing reference by another image, without an error.
    """

    def __init__(self) -> None:
        self._bits = 0  # of frame_num; 0: the stream does not allow the check
        self._planes = False  # colour planes are coded separately
        self._last: int | None = None  # frame_num of the last reference image

    def complete(self, packet: Packet) -> bool:
        """Return whether no reference image is missing between the last packet and this one."""
        if packet.parameters:
            self._read_parameters(packet.parameters)
        if packet.keyframe:
            self._last = None
        whole = True
        for part in packet.slices if self._bits else ():
            number = self._frame_num(part)
            if self._last is not None:
                whole &= (number - self._last) % (1 << self._bits) <= 1
            if part[0] >> 5 & 3 or packet.keyframe:  # a reference image
                self._last = number
        return whole

    def _read_parameters(self, unit: bytes) -> None:
        """Read a sequence parameter set (7.3.2.1.1)."""
        bits = _Bits(unit[1:])
        profile = bits.take(8)
        bits.take(16)
        bits.unsigned()
        self._planes = False
        if profile in _HIGH_PROFILES:
            chroma = bits.unsigned()
            self._planes = chroma == 3 and bool(bits.take(1))
            bits.unsigned()
            bits.unsigned()
            bits.take(1)
            if bits.take(1):
                for i in range(12 if chroma == 3 else 8):
                    if bits.take(1):
                        bits.skip_scaling_list(16 if i < 6 else 64)
        length = bits.unsigned() + 4
        order = bits.unsigned()
        if order == 0:
            bits.unsigned()
        elif order == 1:
            bits.take(1)
            bits.unsigned()
            bits.unsigned()
            for _ in range(min(bits.unsigned(), 255)):
                bits.unsigned()
        bits.unsigned()
        gaps_allowed = bits.take(1)
        self._bits = 0 if gaps_allowed or bits.exhausted or length > 16 else length

    def _frame_num(self, part: bytes) -> int:
        """Read `frame_num` of a slice header (7.3.3)."""
        bits = _Bits(part[1:])
        for _ in range(3):  # first_mb_in_slice, slice_type, pic_parameter_set_id
            bits.unsigned()
        if self._planes:
            bits.take(2)
        return bits.take(self._bits)


class _Bits:
    """Reader of bits and Exp-Golomb codes; bits after the end are 0."""

    def __init__(self, data: bytes) -> None:
        data = data.replace(b"\x00\x00\x03", b"\x00\x00")[:512]  # without emulation prevention
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)
        self.exhausted = False

    def take(self, count: int) -> int:
        """Return the next bits as a number."""
        self.exhausted |= count > self._left
        missing = max(0, count - self._left)
        self._left -= count - missing
        return (self._value >> self._left << missing) & ((1 << count) - 1)

    def unsigned(self) -> int:
        """Return the next unsigned number in the Exp-Golomb code."""
        zeros = 0
        while zeros < 32 and not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def skip_scaling_list(self, size: int) -> None:
        """Skip a scaling list (7.3.2.1.1.1)."""
        scale = 8
        for _ in range(size):
            code = self.unsigned()
            scale = (scale + ((code + 1) // 2 if code % 2 else -(code // 2))) % 256
            if scale == 0:
                return
