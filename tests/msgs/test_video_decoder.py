# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Decoder of video: one outcome for each packet, whatever the packets contain."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.video_bags import encode

from jasmine_core.errors import FrameError
from jasmine_ros.msgs.video_decoder import MAX_DELAY, VideoDecoder


def outcomes(decoder, packets):
    found, open_ = [], set()
    for number, data in enumerate(packets):
        open_.add(number)
        for outcome in decoder.feed(number, data):
            open_.remove(outcome.number)
            found.append(outcome)
        assert len(open_) <= MAX_DELAY
    found += decoder.flush()
    assert sorted(o.number for o in found) == list(range(len(packets)))
    return found


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("reorder", [False, True])
def test_damaged_streams_give_one_outcome_for_each_packet(codec, reorder):
    clean = [p.data for p in encode(codec, 14, reorder=reorder, every=6)]
    rng = np.random.default_rng(3)
    kept = 0
    for _ in range(40):
        packets = list(clean)
        for at in rng.choice(len(packets), 3, replace=False):
            data = bytearray(packets[at])
            match rng.integers(0, 5):
                case 0:
                    data = data[: rng.integers(0, len(data))]
                case 1:
                    for place in rng.integers(0, len(data), 8):
                        data[place] = rng.integers(0, 256)
                case 2:
                    data += bytes(packets[rng.integers(0, len(packets))])
                case 3:
                    data = bytearray(packets[rng.integers(0, len(packets))])
                case 4:
                    data = data[rng.integers(0, len(data)) :]
            packets[at] = bytes(data)
        for outcome in outcomes(VideoDecoder("/cam", codec, 96 * 64), packets):
            if outcome.frame is None:
                with pytest.raises(FrameError, match=r"^/cam: \w"):
                    outcome.image()
            else:
                assert outcome.image().shape[2] == 3
                kept += 1
    assert kept > 40


def test_frames_are_decoded_on_one_thread_without_delay():
    decoder = VideoDecoder("/cam", "h264")
    for number, packet in enumerate(encode("h264", 5)):
        assert [o.number for o in decoder.feed(number, packet.data)] == [number]
    assert decoder.flush() == []


@pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
def test_the_matrix_of_the_stream_is_used(matrix):
    """A stream that names its matrix gives other colours than one that names another."""
    colours = f"colormatrix={matrix}:colorprim={matrix}:transfer={matrix}"
    (packet,) = encode("h264", 1, **{"x264-params": colours})
    (outcome,) = outcomes(VideoDecoder("/cam", "h264"), [packet.data])
    expected = 1 if matrix == "bt709" else 6
    assert outcome.frame.colorspace == expected and outcome.image().dtype == np.uint8


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_memory_is_limited_before_an_image_is_decoded(codec, monkeypatch):
    """The decoder refuses a far too large image: none arrives, whatever this code would do then."""
    packets = [p.data for p in encode(codec, 2, size=(640, 480))]
    decoder = VideoDecoder("/cam", codec, 1000)
    monkeypatch.setattr(decoder, "_give", lambda frame: pytest.fail("an image was decoded"))
    found = outcomes(decoder, packets)
    assert "image is 640x480 px, more than max_image_pixels 1000" in found[0].problem
