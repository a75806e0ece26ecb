# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from array import array

import cv2
import numpy as np
import pytest
from helpers.sample_images import high_byte, mosaic_of, samples
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jasmine_core.errors import FrameError
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.images import decode, decode_image, encode_image
from jasmine_ros.msgs.messages import make_header

unhurried = settings(derandomize=True, deadline=None, max_examples=60)

MESSAGES = RosbagsMessages()
HEADER = make_header(MESSAGES, 1, "camera_optical_frame")

# Channel order on the wire, as indices into (r, g, b, alpha).
ORDERS = {"rgb": [0, 1, 2], "bgr": [2, 1, 0], "rgba": [0, 1, 2, 3], "bgra": [2, 1, 0, 3]}
PATTERNS = ["rggb", "bggr", "gbrg", "grbg"]
YUV_422 = ["yuv422", "uyvy", "yuv422_yuy2", "yuyv"]
YUV = [*YUV_422, "nv12", "nv21", "nv24"]
TAGGED = [f"{name}{bits}" for name in [*ORDERS, "mono"] for bits in (8, 16)]
UNTAGGED = [f"{bits}UC{channels}" for bits in (8, 16) for channels in (3, 4)]
BAYER = [f"bayer_{pattern}{bits}" for pattern in PATTERNS for bits in (8, 16)]
EVERY = [*TAGGED, *UNTAGGED, "8UC1", *YUV, *BAYER]

sides = st.integers(1, 9)
seeds = st.integers(0, 9999)


@st.composite
def layouts(draw):
    """Choose what may differ between two messages with the same pixels."""
    return {
        "padding": draw(st.integers(0, 5)),
        "big": draw(st.booleans()),
        "short": draw(st.booleans()),
        "container": draw(
            st.sampled_from([np.asarray, bytes, bytearray, memoryview, lambda b: array("B", b)])
        ),
    }


def lay_out(rows, padding=0, big=False, short=False):
    """Put samples [H,N] on the wire; `short` leaves out the padding after the last row."""
    wire_type = rows.dtype.newbyteorder(">" if big else "<")
    rows = rows.astype(wire_type, order="C").view(np.uint8)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=0xA5)
    wire = padded.tobytes()
    return wire[: len(wire) - padding] if short else wire, padded.shape[1]


def image(encoding, width, height, rows, container=bytes, **layout):
    wire, step = lay_out(rows, **layout)
    return message(encoding, width, height, step, wire, container, layout.get("big", False))


def message(encoding, width, height, step, wire, container=bytes, big=False):
    msg = MESSAGES.make(
        "sensor_msgs/msg/Image",
        width=width,
        height=height,
        encoding=encoding,
        step=step,
        is_bigendian=int(big),
    )
    msg.data = np.frombuffer(wire, np.uint8) if container is np.asarray else container(wire)
    return msg


# ---- packed colours


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("order", ORDERS)
@unhurried
@given(height=sides, width=sides, seed=seeds, layout=layouts(), tagged=st.booleans())
def test_packed_colours_come_back_exactly(order, bits, height, width, seed, layout, tagged):
    assume((height, width) != (1, 1))  # Humble's OpenCV cannot hold a single pixel of three bytes
    rgba = samples(height, width, 4, bits, seed)
    rows = rgba[..., ORDERS[order]].reshape(height, -1)
    encoding = f"{order}{bits}" if tagged else f"{bits}UC{len(order)}"
    msg = image(encoding, width, height, rows, **layout)
    pixels = decode_image(msg, untagged=order[:3])
    assert (pixels.dtype, pixels.flags.c_contiguous) == (np.uint8, True)
    np.testing.assert_array_equal(pixels, high_byte(rgba[..., :3], bits))


@pytest.mark.parametrize(("encoding", "bits"), [("mono8", 8), ("8UC1", 8), ("mono16", 16)])
@unhurried
@given(height=sides, width=sides, seed=seeds, layout=layouts())
def test_grey_comes_back_in_all_three_channels(encoding, bits, height, width, seed, layout):
    grey = samples(height, width, 1, bits, seed)
    pixels = decode_image(image(encoding, width, height, grey[..., 0], **layout))
    np.testing.assert_array_equal(pixels, high_byte(np.repeat(grey, 3, axis=2), bits))


def test_untagged_colours_are_bgr_unless_told_otherwise():
    msg = image("8UC3", 2, 1, np.array([[1, 2, 3, 4, 5, 6]], np.uint8))
    assert decode_image(msg).tolist() == [[[3, 2, 1], [6, 5, 4]]]
    assert decode_image(msg, untagged="rgb").tolist() == [[[1, 2, 3], [4, 5, 6]]]


def test_a_plain_rgb_image_is_not_copied():
    data = np.zeros(2 * 3 * 3, np.uint8)
    msg = MESSAGES.make(
        "sensor_msgs/msg/Image", width=3, height=2, step=9, encoding="rgb8", data=data
    )
    assert np.shares_memory(decode_image(msg), data)


# ---- YUV: the forward BT.601 of this test against the inverse of the library


def bt601(rgb):
    """Return studio-swing Y, U, V [H,W,3] of RGB [H,W,3] (ITU-R BT.601, section 2.5)."""
    matrix = np.array(
        [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]]
    )
    yuv = rgb.astype(float) / 255 @ matrix.T + (16, 128, 128)
    return np.rint(yuv).astype(np.uint8)


def yuv_image(encoding, rgb, padding=0, short=False, container=bytes, **_):
    """Encode an image whose colours are constant wherever the encoding shares them."""
    height, width = rgb.shape[:2]
    y, u, v = np.moveaxis(bt601(rgb), -1, 0)
    if encoding in YUV_422:
        u, v = u[:, ::2], v[:, ::2]
        quad = [u, y[:, ::2], v, y[:, 1::2]]
        if encoding in ("yuv422_yuy2", "yuyv"):
            quad = [quad[1], quad[0], quad[3], quad[2]]
        rows = np.stack(quad, axis=-1).reshape(height, 2 * width)
        return image(encoding, width, height, rows, container, padding=padding, short=short)
    if encoding == "nv24":  # chroma rows are twice as long and twice as far apart
        luma, step = lay_out(y, padding)
        chroma, _ = lay_out(np.stack([u, v], -1).reshape(height, -1), 2 * padding, short=short)
        return message(encoding, width, height, step, luma + chroma, container)
    pair = [u[::2, ::2], v[::2, ::2]] if encoding == "nv12" else [v[::2, ::2], u[::2, ::2]]
    rows = np.concatenate([y, np.stack(pair, axis=-1).reshape(height // 2, width)])
    return image(encoding, width, height, rows, container, padding=padding, short=short)


@pytest.mark.parametrize("encoding", YUV)
@unhurried
@given(height=st.integers(1, 4), width=st.integers(1, 4), seed=seeds, layout=layouts())
def test_yuv_colours_come_back_where_they_were(encoding, height, width, seed, layout):
    colours = samples(height, width, 3, 8, seed)
    rgb = colours.repeat(2, axis=0).repeat(2, axis=1)  # blocks of 2x2 px share one colour
    pixels = decode_image(yuv_image(encoding, rgb, **layout))
    assert pixels.flags.c_contiguous
    assert abs(pixels.astype(int) - rgb).max() <= 2


@unhurried
@given(height=sides, width=sides, seed=seeds)
def test_nv24_keeps_a_colour_of_its_own_for_every_pixel(height, width, seed):
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
def test_any_bytes_of_yuv_mean_what_they_mean_to_opencv(encoding, code):
    noise = samples(6, 8, 2, 8, seed=3)
    rows = noise.reshape(6, 16) if encoding != "nv21" else noise.reshape(12, 8)[:9]
    expected = cv2.cvtColor(noise if encoding != "nv21" else rows, code)
    np.testing.assert_array_equal(decode_image(image(encoding, 8, 6, rows, padding=3)), expected)


# ---- Bayer


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pattern", PATTERNS)
@unhurried
@given(height=st.integers(3, 9), width=st.integers(3, 9), seed=seeds, layout=layouts())
def test_a_scene_of_one_colour_is_seen_in_that_colour_through_a_mosaic(
    pattern, bits, height, width, seed, layout
):
    colour = samples(1, 1, 3, bits, seed)
    rgb = np.broadcast_to(colour, (height, width, 3))
    msg = image(f"bayer_{pattern}{bits}", width, height, mosaic_of(rgb, pattern)[0], **layout)
    np.testing.assert_array_equal(decode_image(msg), high_byte(rgb, bits))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_demosaicing_keeps_what_was_measured(pattern, bits):
    rgb = samples(8, 9, 3, bits, seed=5)
    mosaic, channel = mosaic_of(rgb, pattern)
    pixels = decode_image(image(f"bayer_{pattern}{bits}", 9, 8, mosaic))
    measured = np.take_along_axis(pixels, channel[..., None], axis=2)[..., 0]
    np.testing.assert_array_equal(measured[1:-1, 1:-1], high_byte(mosaic, bits)[1:-1, 1:-1])


# ---- what is refused


def valid_image(encoding, width=4, height=4, **layout):
    if encoding in YUV:
        return yuv_image(encoding, np.full((height, width, 3), 90, np.uint8), **layout)
    channels = 1
    if found := re.search(r"UC(\d)|^(rgba|bgra)|^(rgb|bgr)", encoding):
        channels = int(found[1] or (4 if found[2] else 3))
    dtype = np.uint16 if "16" in encoding else np.uint8
    return image(encoding, width, height, np.full((height, width * channels), 90, dtype), **layout)


@pytest.mark.parametrize("encoding", EVERY)
def test_one_byte_less_than_an_image_is_refused(encoding):
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
    ("encoding", "width", "height", "complaint"),
    [
        *[(encoding, 5, 4, "width 5 is odd") for encoding in YUV_422],
        ("nv21", 5, 4, "width 5 is odd"),
        ("nv21", 4, 5, "height 5 is odd"),
        ("nv12", 5, 5, "width 5 and height 5 is odd"),
        ("bayer_rggb8", 2, 4, "2x4 px has no colours"),
        ("bayer_grbg16", 4, 2, "4x2 px has no colours"),
    ],
)
def test_a_size_that_the_encoding_cannot_have_is_refused(encoding, width, height, complaint):
    msg = message(encoding, width, height, 64, bytes(64 * 12))
    with pytest.raises(FrameError, match=rf"^/cam: .*{complaint}"):
        decode_image(msg, "/cam")


@pytest.mark.parametrize(
    "encoding", ["16UC1", "16UC", "32FC1", "32FC3", "64FC1", "8SC1", "16SC3", "32SC1"]
)
def test_a_measurement_is_never_taken_for_brightness(encoding):
    msg = message(encoding, 2, 2, 64, bytes(256))
    with pytest.raises(FrameError, match=rf"^/cam: encoding '{encoding}' is depth .* mono16"):
        decode_image(msg, "/cam")


@pytest.mark.parametrize("encoding", ["", "jpeg", "rgb24", "RGB8", "8UC2", "8UC5", "bayer_rgbg8"])
def test_an_unknown_encoding_is_refused_with_a_remedy(encoding):
    msg = message(encoding, 2, 2, 64, bytes(256))
    with pytest.raises(FrameError, match=rf"^/cam: encoding '{encoding}' is not known; convert"):
        decode_image(msg, "/cam")


whole_numbers = st.one_of(st.integers(0, 40), st.sampled_from([2**16, 2**31 - 1, 2**31, 2**32 - 1]))


@settings(unhurried, max_examples=1000)
@given(
    encoding=st.one_of(st.sampled_from(EVERY), st.text("rgb8UCF136_", max_size=6)),
    width=whole_numbers,
    height=whole_numbers,
    step=whole_numbers,
    data=st.binary(max_size=600),
    big=st.booleans(),
)
def test_garbage_is_an_image_or_a_frame_error(encoding, width, height, step, data, big):
    try:
        pixels = decode(message(encoding, width, height, step, data, big=big))
    except FrameError:
        return
    assert (pixels.shape, pixels.dtype) == ((height, width, 3), np.uint8)


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
def test_an_image_of_ours_is_little_endian_without_padding_and_not_copied(encoding, pixels):
    msg = encode_image(MESSAGES, HEADER, pixels, encoding)
    assert np.shares_memory(msg.data, pixels)
    wire = MESSAGES.typestore.serialize_cdr(msg, "sensor_msgs/msg/Image")
    back = MESSAGES.typestore.deserialize_cdr(wire, "sensor_msgs/msg/Image")
    assert (back.height, back.width, back.encoding) == (*pixels.shape[:2], encoding)
    assert (back.is_bigendian, back.step * back.height) == (0, pixels.nbytes)
    assert back.header == HEADER
    read = back.data.view(pixels.dtype.newbyteorder("<")).reshape(pixels.shape)
    np.testing.assert_array_equal(read, pixels)


@unhurried
@given(height=sides, width=sides, seed=seeds)
def test_what_we_write_we_read(height, width, seed):
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
def test_pixels_of_another_kind_are_not_written(encoding, pixels):
    with pytest.raises(ValueError, match=rf"^{encoding} needs .* got {pixels.dtype}"):
        encode_image(MESSAGES, HEADER, pixels, encoding)
