# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Decoding of every encoding of `sensor_msgs/Image` to RGB, and encoding."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from helpers.image_messages import (
    MESSAGES,
    ORDERS,
    PATTERNS,
    YUV,
    image,
    layouts,
    message,
    yuv_image,
)
from helpers.sample_images import high_byte, mosaic_of, samples
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jasmine_core.errors import FrameError
from jasmine_core.runtime.intensity_range import IntensityRange
from jasmine_ros.msgs.images import decode, decode_image, encode_image
from jasmine_ros.msgs.messages import make_header

no_deadline = settings(derandomize=True, deadline=None, max_examples=60)

HEADER = make_header(MESSAGES, 1, "camera_optical_frame")

sides = st.integers(1, 9)
seeds = st.integers(0, 9999)


# ---- packed colours


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("order", ORDERS)
@no_deadline
@given(height=sides, width=sides, seed=seeds, layout=layouts(), tagged=st.booleans())
def test_packed_colours_are_decoded_exactly(order, bits, height, width, seed, layout, tagged):
    assume((height, width) != (1, 1))  # OpenCV of Humble refuses an image of a single pixel
    rgba = samples(height, width, 4, bits, seed)
    rows = rgba[..., ORDERS[order]].reshape(height, -1)
    encoding = f"{order}{bits}" if tagged else f"{bits}UC{len(order)}"
    msg = image(encoding, width, height, rows, **layout)
    pixels = decode_image(msg, untagged=order[:3])
    assert (pixels.dtype, pixels.flags.c_contiguous) == (np.uint8, True)
    np.testing.assert_array_equal(pixels, high_byte(rgba[..., :3], bits))


@pytest.mark.parametrize(("encoding", "bits"), [("mono8", 8), ("8UC1", 8), ("mono16", 16)])
@no_deadline
@given(height=sides, width=sides, seed=seeds, layout=layouts())
def test_grey_is_repeated_in_three_channels(encoding, bits, height, width, seed, layout):
    grey = samples(height, width, 1, bits, seed)
    pixels = decode_image(image(encoding, width, height, grey[..., 0], **layout))
    np.testing.assert_array_equal(pixels, high_byte(np.repeat(grey, 3, axis=2), bits))


def test_untagged_colours_are_bgr_by_default():
    msg = image("8UC3", 2, 1, np.array([[1, 2, 3, 4, 5, 6]], np.uint8))
    assert decode_image(msg).tolist() == [[[3, 2, 1], [6, 5, 4]]]
    assert decode_image(msg, untagged="rgb").tolist() == [[[1, 2, 3], [4, 5, 6]]]


def test_an_rgb8_image_without_padding_is_not_copied():
    data = np.zeros(2 * 3 * 3, np.uint8)
    msg = MESSAGES.make(
        "sensor_msgs/msg/Image", width=3, height=2, step=9, encoding="rgb8", data=data
    )
    assert np.shares_memory(decode_image(msg), data)


# ---- YUV: decoding inverts the BT.601 conversion of the helper


@pytest.mark.parametrize("encoding", YUV)
@no_deadline
@given(height=st.integers(1, 4), width=st.integers(1, 4), seed=seeds, layout=layouts())
def test_yuv_colours_are_decoded_at_their_pixels(encoding, height, width, seed, layout):
    colours = samples(height, width, 3, 8, seed)
    rgb = colours.repeat(2, axis=0).repeat(2, axis=1)  # blocks of 2x2 px share one colour
    pixels = decode_image(yuv_image(encoding, rgb, **layout))
    assert pixels.flags.c_contiguous
    assert abs(pixels.astype(int) - rgb).max() <= 2


@no_deadline
@given(height=sides, width=sides, seed=seeds)
def test_nv24_has_one_colour_per_pixel(height, width, seed):
    rgb = samples(height, width, 3, 8, seed)
    assert abs(decode_image(yuv_image("nv24", rgb)).astype(int) - rgb).max() <= 2


@pytest.mark.parametrize(
    ("encoding", "code"),
    [
        ("uyvy", cv2.COLOR_YUV2RGB_UYVY),
        ("yuyv", cv2.COLOR_YUV2RGB_YUYV),
        ("nv21", cv2.COLOR_YUV2RGB_NV21),
    ],
)
def test_random_yuv_bytes_are_decoded_as_by_opencv(encoding, code):
    noise = samples(6, 8, 2, 8, seed=3)
    rows = noise.reshape(6, 16) if encoding != "nv21" else noise.reshape(12, 8)[:9]
    expected = cv2.cvtColor(noise if encoding != "nv21" else rows, code)
    np.testing.assert_array_equal(decode_image(image(encoding, 8, 6, rows, padding=3)), expected)


# ---- Bayer


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pattern", PATTERNS)
@no_deadline
@given(height=st.integers(3, 9), width=st.integers(3, 9), seed=seeds, layout=layouts())
def test_a_bayer_image_of_one_colour_is_decoded_to_that_colour(
    pattern, bits, height, width, seed, layout
):
    colour = samples(1, 1, 3, bits, seed)
    rgb = np.broadcast_to(colour, (height, width, 3))
    msg = image(f"bayer_{pattern}{bits}", width, height, mosaic_of(rgb, pattern)[0], **layout)
    np.testing.assert_array_equal(decode_image(msg), high_byte(rgb, bits))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_demosaicing_keeps_the_measured_samples(pattern, bits):
    rgb = samples(8, 9, 3, bits, seed=5)
    mosaic, channel = mosaic_of(rgb, pattern)
    pixels = decode_image(image(f"bayer_{pattern}{bits}", 9, 8, mosaic))
    measured = np.take_along_axis(pixels, channel[..., None], axis=2)[..., 0]
    np.testing.assert_array_equal(measured[1:-1, 1:-1], high_byte(mosaic, bits)[1:-1, 1:-1])


# ---- writing


@pytest.mark.parametrize(
    ("encoding", "pixels"),
    [
        ("rgb8", samples(3, 5, 3, 8, seed=6)),
        ("mono8", samples(3, 5, 1, 8, seed=6)[..., 0]),
        ("16UC1", samples(3, 5, 1, 16, seed=6)[..., 0]),
        ("32FC1", np.float32([[1.5, np.nan, 3], [0.25, 80, -1]])),
    ],
)
def test_an_encoded_image_is_little_endian_without_padding_and_not_copied(encoding, pixels):
    msg = encode_image(MESSAGES, HEADER, pixels, encoding)
    assert np.shares_memory(msg.data, pixels)
    wire = MESSAGES.typestore.serialize_cdr(msg, "sensor_msgs/msg/Image")
    back = MESSAGES.typestore.deserialize_cdr(wire, "sensor_msgs/msg/Image")
    assert (back.height, back.width, back.encoding) == (*pixels.shape[:2], encoding)
    assert (back.is_bigendian, back.step * back.height) == (0, pixels.nbytes)
    assert back.header == HEADER
    read = back.data.view(pixels.dtype.newbyteorder("<")).reshape(pixels.shape)
    np.testing.assert_array_equal(read, pixels)


@no_deadline
@given(height=sides, width=sides, seed=seeds)
def test_an_encoded_image_is_decoded_to_the_same_pixels(height, width, seed):
    rgb = samples(height, 2 * width, 3, 8, seed)[:, ::2]  # a view with gaps
    msg = encode_image(MESSAGES, HEADER, rgb, "rgb8")
    np.testing.assert_array_equal(decode(msg), rgb)
    msg = encode_image(MESSAGES, HEADER, rgb[..., 0], "mono8")
    np.testing.assert_array_equal(decode(msg), rgb[..., :1].repeat(3, axis=2))


@pytest.mark.parametrize(
    ("encoding", "pixels"),
    [
        ("32FC1", np.zeros((2, 2))),
        ("16UC1", np.zeros((2, 2), np.float32)),
        ("rgb8", np.zeros((2, 2), np.uint8)),
        ("rgb8", np.zeros((2, 2, 4), np.uint8)),
        ("mono8", np.zeros((2, 2, 3), np.uint8)),
    ],
)
def test_pixels_that_do_not_fit_the_encoding_are_refused(encoding, pixels):
    with pytest.raises(ValueError, match=rf"^{encoding} needs .* got {pixels.dtype}"):
        encode_image(MESSAGES, HEADER, pixels, encoding)


@pytest.mark.parametrize("encoding", ["mono16", "bayer_rggb16", "rgb16", "16UC3"])
def test_16_bit_images_of_a_camera_with_12_bits_use_their_range(encoding):
    channels = 3 if encoding in ("rgb16", "16UC3") else 1
    eight = samples(16, 20, channels, 8, seed=7)
    low, ranges = eight.astype(np.uint16) * 257 >> 4, IntensityRange()
    msg = message(encoding, 20, 16, 40 * channels, low.tobytes())
    name = {"16UC3": "8UC3"}.get(encoding, encoding.replace("16", "8"))
    expected = decode_image(message(name, 20, 16, 20 * channels, eight.tobytes()))
    image = decode_image(msg, intensities=ranges)
    assert ranges.assumption == "12 of 16 bits (found)"
    assert abs(image.astype(int) - expected).max() <= 1


def test_16uc1_holds_grey_values_unless_the_topic_is_named_after_depth():
    grey = samples(5, 7, 1, 8, seed=8)[..., 0]
    msg = message("16UC1", 7, 5, 14, (grey.astype(np.uint16) << 4).tobytes())
    for topic, ranges in (("/depth", IntensityRange(12)), ("/thermal/image", IntensityRange())):
        image = decode_image(msg, topic, intensities=ranges)
        np.testing.assert_array_equal(image, grey[..., None].repeat(3, axis=2))
    assert ranges.assumption == "12 of 16 bits (found); 16UC1 taken as grey values, not depth"
    for topic in ("/camera/depth/image_raw", "/stereo/Disparity"):
        with pytest.raises(FrameError, match=r"16UC1.*named after depth set the parameter bits"):
            decode_image(msg, topic, intensities=IntensityRange())


def test_thermal_counts_in_16uc1_keep_their_contrast():
    counts = np.linspace(29_000, 31_000, 64 * 48).astype("<u2").reshape(48, 64)
    msg = message("16UC1", 64, 48, 128, counts.tobytes())
    image = decode_image(msg, "/thermal", intensities=IntensityRange())[..., 0].astype(int)
    assert image.min() == 0 and image.max() == 255
    assert abs(image - np.linspace(0, 255, 64 * 48).reshape(48, 64)).max() < 4
