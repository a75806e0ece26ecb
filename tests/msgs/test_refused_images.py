# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images that are refused, each with the topic, the value and a remedy."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.image_messages import EVERY, YUV_422, message, valid_image
from hypothesis import given, settings
from hypothesis import strategies as st

from jasmine_core.errors import FrameError
from jasmine_ros.msgs.images import decode, decode_image

no_deadline = settings(derandomize=True, deadline=None)


@pytest.mark.parametrize("encoding", EVERY)
def test_data_that_is_one_byte_too_short_is_refused(encoding):
    msg = valid_image(encoding, padding=2, short=True)
    assert decode_image(msg).shape == (4, 4, 3)
    msg.data = bytes(msg.data)[:-1]
    with pytest.raises(FrameError, match=rf"^/cam: {len(msg.data)} bytes .*{len(msg.data) + 1};"):
        decode_image(msg, "/cam")


@pytest.mark.parametrize("encoding", EVERY)
def test_a_step_shorter_than_a_row_is_refused(encoding):
    msg = valid_image(encoding)
    msg.step -= 1
    with pytest.raises(FrameError, match=rf"^/cam: step {msg.step} "):
        decode_image(msg, "/cam")


@pytest.mark.parametrize("encoding", EVERY)
@pytest.mark.parametrize(("width", "height"), [(0, 4), (4, 0), (0, 0)])
def test_an_empty_image_is_refused(encoding, width, height):
    msg = valid_image(encoding)
    msg.width, msg.height = width, height
    with pytest.raises(FrameError, match=rf"^/cam: image is {width}x{height} px"):
        decode_image(msg, "/cam")


@pytest.mark.parametrize(
    ("encoding", "width", "height", "words"),
    [
        *[(encoding, 5, 4, "width 5 is odd") for encoding in YUV_422],
        ("nv21", 5, 4, "width 5 is odd"),
        ("nv21", 4, 5, "height 5 is odd"),
        ("nv12", 5, 5, "width 5 and height 5 is odd"),
        ("bayer_rggb8", 2, 4, "2x4 px has no colours"),
        ("bayer_grbg16", 4, 2, "4x2 px has no colours"),
    ],
)
def test_a_size_that_does_not_fit_the_encoding_is_refused(encoding, width, height, words):
    msg = message(encoding, width, height, 64, bytes(64 * 12))
    with pytest.raises(FrameError, match=rf"^/cam: .*{words}"):
        decode_image(msg, "/cam")


def test_an_encoding_of_a_megabyte_is_named_by_its_ends():
    with pytest.raises(
        FrameError, match=r"^/cam: encoding 'xxx.*\[\.\.\.\].*xxx' is not known"
    ) as error:
        decode_image(message("x" * 1_000_000, 2, 2, 64, bytes(256)), "/cam")
    assert len(str(error.value)) < 1100


@pytest.mark.parametrize(
    "encoding", ["16UC1", "16UC", "32FC1", "32FC3", "64FC1", "8SC1", "16SC3", "32SC1"]
)
def test_an_encoding_of_measurements_is_refused(encoding):
    msg = message(encoding, 2, 2, 64, bytes(256))
    with pytest.raises(FrameError, match=rf"^/cam: encoding '{encoding}' holds depth .* mono16"):
        decode_image(msg, "/cam")


@pytest.mark.parametrize("encoding", ["", "jpeg", "rgb24", "RGB8", "8UC2", "8UC5", "bayer_rgbg8"])
def test_an_unknown_encoding_is_refused_with_a_remedy(encoding):
    msg = message(encoding, 2, 2, 64, bytes(256))
    with pytest.raises(FrameError, match=rf"^/cam: encoding '{encoding}' is not known; convert"):
        decode_image(msg, "/cam")


whole_numbers = st.one_of(st.integers(0, 40), st.sampled_from([2**16, 2**31 - 1, 2**31, 2**32 - 1]))


@settings(no_deadline, max_examples=1000)
@given(
    encoding=st.one_of(st.sampled_from(EVERY), st.text("rgb8UCF136_", max_size=6)),
    width=whole_numbers,
    height=whole_numbers,
    step=whole_numbers,
    data=st.binary(max_size=600),
    big=st.booleans(),
)
def test_random_data_gives_an_image_or_a_frame_error(encoding, width, height, step, data, big):
    try:
        pixels = decode(message(encoding, width, height, step, data, big=big))
    except FrameError:
        return
    assert (pixels.shape, pixels.dtype) == ((height, width, 3), np.uint8)
