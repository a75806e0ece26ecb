# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Headers of H.264 and H.265 packets: keyframes, images and missing reference images."""

from __future__ import annotations

import numpy as np
import pytest

from jasmine_ros.msgs.annex_b import FrameNumbers, Packet, read_packet

START = b"\x00\x00\x01"


def code(value: int) -> str:
    """Return the bits of a number in the Exp-Golomb code."""
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def unit(first: int, bits: str, emulation: bool = False) -> bytes:
    """Return a NAL unit with a start code; `first` is its first byte."""
    bits += "1"
    data = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    if emulation:
        data = data.replace(b"\x00\x00", b"\x00\x00\x03")
    return START + bytes([first]) + data


def parameters(profile: int = 66, bits: int = 4, gaps: bool = False, order: int = 2) -> bytes:
    """Return a sequence parameter set of H.264 with frame_num of some bits."""
    text = f"{profile:08b}" + "0" * 16 + code(0)
    if profile == 100:
        lists = "1" + code(16) + "0" * 7  # the first of 8 scaling lists, ended by a delta of -8
        text += code(1) + code(0) + code(0) + "0" + "1" + lists
    text += code(bits - 4) + code(order)
    text += (
        code(2)
        if order == 0
        else "0" + code(0) + code(0) + code(2) + code(1) * 2
        if order == 1
        else ""
    )
    return unit(0x67, text + code(1) + str(int(gaps)) + "0" * 40)


def image(number: int, *, bits: int = 4, idr: bool = False, reference: bool = True) -> bytes:
    """Return the first slice of an H.264 image."""
    first = 0x65 if idr else 0x41 if reference else 0x01
    return unit(first, code(0) + code(7 if idr else 5) + code(0) + f"{number:0{bits}b}" + "0" * 20)


def complete(*packets: bytes) -> list[bool]:
    numbers = FrameNumbers()
    return [numbers.complete(read_packet("h264", data)) for data in packets]


@pytest.mark.parametrize(
    "first",
    [
        parameters(),
        parameters(100),
        parameters(order=0),
        parameters(order=1),
        b"\x00" + parameters(),
    ],
)
def test_a_missing_reference_image_is_found(first):
    stream = [first + image(0, idr=True), *(image(n % 16) for n in range(1, 40))]
    assert complete(*stream) == [True] * 40
    assert complete(*stream[:5], *stream[6:8]) == [True] * 5 + [False, True]


def test_images_that_are_no_reference_may_be_missing():
    stream = [parameters() + image(0, idr=True), image(1, reference=False), image(1)]
    assert complete(*stream, image(2, reference=False), image(2)) == [True] * 5
    assert complete(stream[0], stream[2], image(2)) == [True] * 3


def test_a_keyframe_begins_the_count_again():
    first = parameters() + image(0, idr=True)
    assert complete(first, image(1), image(0, idr=True), image(1)) == [True] * 4


def test_a_stream_that_allows_gaps_is_not_checked():
    assert complete(parameters(gaps=True) + image(0, idr=True), image(5)) == [True, True]
    assert complete(image(0, idr=True), image(5)) == [True, True], "no parameters"


def test_the_structure_of_h264_packets():
    slices = image(0, idr=True) + unit(0x65, code(9) + "0" * 9)
    packet = read_packet("h264", unit(0x09, "1") + parameters() + slices)
    assert (packet.images, packet.keyframe, packet.closed) == (1, True, True)
    packet = read_packet("h264", parameters() + image(3))
    assert (packet.images, packet.keyframe, packet.closed) == (1, True, False)
    packet = read_packet("h264", image(3))
    assert (packet.images, packet.keyframe, packet.closed) == (1, False, False)
    assert read_packet("h264", parameters()).images == 0
    assert read_packet("h264", image(1) * 3).images == 3


@pytest.mark.parametrize(
    ("kind", "keyframe", "closed"), [(1, False, False), (19, True, True), (21, True, False)]
)
def test_the_structure_of_h265_packets(kind, keyframe, closed):
    header = bytes([kind << 1, 1])
    data = (
        START + bytes([33 << 1, 1]) + b"abc" + START + header + b"\x80ab" + START + header + b"ab"
    )
    assert read_packet("hevc", data) == Packet(1, keyframe, closed, (), b"")


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x00\x00\x09\x65abcdefgh", b"\x01abc"])
def test_a_packet_without_a_start_code_is_refused(data):
    with pytest.raises(ValueError, match="does not begin with a start code"):
        read_packet("h264", data)


def test_a_packet_with_very_many_units_is_refused():
    with pytest.raises(ValueError, match="more than 2048 NAL units"):
        read_packet("h264", START * 10_000_000)


def test_damaged_headers_raise_no_other_error():
    rng = np.random.default_rng(5)
    for length in rng.integers(0, 90, 3000):
        data = bytearray(START + rng.integers(0, 256, length, np.uint8).tobytes())
        if length:
            data[3] = rng.choice([0x67, 0x65, 0x41, 0x42])
        numbers = FrameNumbers()
        for part in (bytes(data), parameters(100) + bytes(data)):
            assert numbers.complete(read_packet("h264", part)) in (True, False)
            assert read_packet("hevc", part).images >= 0
