# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""JPEG and PNG files in `sensor_msgs/CompressedImage`."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest
from helpers.image_messages import message
from helpers.sample_images import high_byte, mosaic_of, samples
from hypothesis import given, settings
from hypothesis import strategies as st

from jasmine_core.errors import FrameError
from jasmine_core.image_files import MAX_SCANS, scan_count
from jasmine_core.runtime.intensity_range import IntensityRange
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.compressed_images import decode_compressed
from jasmine_ros.msgs.images import decode
from jasmine_ros.msgs.messages import make_header

no_deadline = settings(derandomize=True, deadline=None, max_examples=60)

MESSAGES = RosbagsMessages()
HEADER = make_header(MESSAGES, 1, "camera_optical_frame")

PATTERNS = ["rggb", "bggr", "gbrg", "grbg"]
SCENE = cv2.resize(samples(4, 5, 3, 8, seed=1), (40, 32), interpolation=cv2.INTER_CUBIC)


def compress(bgr, extension, *flags):
    return cv2.imencode(extension, bgr, flags)[1].tobytes()


FILES = {
    "jpeg": compress(SCENE, ".jpg"),
    "progressive": compress(SCENE, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "png": compress(SCENE, ".png"),
}


def compressed(data, description="jpeg"):
    return MESSAGES.make("sensor_msgs/msg/CompressedImage", format=description, data=data)


@pytest.mark.parametrize(
    "description",
    [
        "jpeg",
        "png",
        "rgb8; jpeg compressed bgr8",
        "bgr8; png compressed ",
        "",
        "mono8; jpeg compressed ",
    ],
)
@pytest.mark.parametrize("name", FILES)
def test_colours_come_from_the_file_and_not_from_the_format_field(name, description):
    image = decode_compressed(compressed(FILES[name], description))
    expected = cv2.imdecode(np.frombuffer(FILES[name], np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(image, expected)
    assert abs(image.astype(int) - SCENE[..., ::-1]).mean() < (0.1 if name == "png" else 8)


@pytest.mark.parametrize("extension", [".jpg", ".png"])
def test_red_stays_red(extension):
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 2] = 250  # bgr
    image = decode(compressed(compress(red, extension)))
    assert abs(image.astype(int) - (250, 0, 0)).max() <= 2


def test_16_bit_samples_keep_their_high_byte_and_alpha_is_dropped():
    deep = samples(6, 7, 3, 16, seed=2)
    image = decode_compressed(
        compressed(compress(deep[..., ::-1], ".png"), "rgb16; png compressed bgr16")
    )
    np.testing.assert_array_equal(image, high_byte(deep, 16))
    rgba = samples(6, 7, 4, 8, seed=3)
    image = decode_compressed(compressed(compress(rgba[..., [2, 1, 0, 3]], ".png"), "png"))
    np.testing.assert_array_equal(image, rgba[..., :3])


@pytest.mark.parametrize("bits", [8, 16])
def test_a_grey_png_is_repeated_in_three_channels(bits):
    grey = samples(6, 7, 1, bits, seed=4)
    image = decode_compressed(compressed(compress(grey, ".png"), f"mono{bits}; png compressed "))
    np.testing.assert_array_equal(image, high_byte(grey.repeat(3, axis=2), bits))


def test_a_grey_jpeg_has_three_equal_channels():
    image = decode_compressed(
        compressed(compress(SCENE[..., 0], ".jpg"), "mono8; jpeg compressed ")
    )
    assert image.shape == (*SCENE.shape[:2], 3)
    assert (image == image[..., :1]).all()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_bayer_png_is_demosaiced_unless_the_format_names_mono8(pattern):
    orange = np.broadcast_to(np.uint8([250, 120, 10]), (6, 8, 3))
    file = compress(mosaic_of(orange, pattern)[0], ".png")
    raw = decode_compressed(compressed(file, f"bayer_{pattern}8; png compressed "))
    np.testing.assert_array_equal(raw, orange)
    grey = decode_compressed(compressed(file, f"bayer_{pattern}8; jpeg compressed mono8"))
    assert (grey == grey[..., :1]).all()


def test_exif_orientation_is_ignored():
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0)  # orientation: a quarter turn
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    file = FILES["jpeg"][:2] + segment + FILES["jpeg"][2:]
    assert cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR).shape == (40, 32, 3)
    assert decode_compressed(compressed(file)).shape == (32, 40, 3)


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_refused_at_every_length(name):
    whole = FILES[name]
    for length in range(len(whole)):
        with pytest.raises(FrameError, match=rf"^/cam: {length} bytes"):
            decode_compressed(compressed(whole[:length]), "/cam")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("padding", [bytes(7), b"\xff" * 7, b"old bytes"])
def test_bytes_after_the_end_of_a_file_are_ignored(name, padding):
    image = decode_compressed(compressed(FILES[name] + padding))
    np.testing.assert_array_equal(image, decode_compressed(compressed(FILES[name])))


@pytest.mark.parametrize("name", FILES)
def test_a_file_whose_end_is_overwritten_by_zeros_is_refused(name):
    truncated = FILES[name][:-40]
    with pytest.raises(FrameError, match=r"not a complete JPEG or PNG"):
        decode_compressed(compressed(truncated + bytes(40)))


def test_the_end_marker_of_a_thumbnail_does_not_complete_a_truncated_file():
    thumbnail = b"\xff\xe1" + struct.pack(">H", len(FILES["jpeg"]) + 2) + FILES["jpeg"]
    file = FILES["jpeg"][:2] + thumbnail + FILES["jpeg"][2:]
    assert decode_compressed(compressed(file)).shape == (32, 40, 3)
    with pytest.raises(FrameError, match="not a complete JPEG"):
        decode_compressed(compressed(file[:-2]))


def test_a_damaged_png_is_refused():
    file = bytearray(FILES["png"])
    file[len(file) // 2] ^= 0x55
    with pytest.raises(
        FrameError, match=rf"^/cam: {len(file)} bytes .* cannot be decoded as an image"
    ):
        decode_compressed(compressed(bytes(file)), "/cam")


@pytest.mark.parametrize("side", [0, 4097, 60_000])
@pytest.mark.parametrize("name", FILES)
def test_a_header_with_zero_or_too_many_pixels_is_refused(name, side):
    file = bytearray(FILES[name])
    if name == "png":
        file[16:24] = struct.pack(">II", side, side)
        file[29:33] = struct.pack(">I", zlib.crc32(file[12:29]))
    else:
        frame = file.index(b"\xff\xc2" if name == "progressive" else b"\xff\xc0")
        file[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    with pytest.raises(FrameError, match=rf"^/cam: image is {side}x{side} px"):
        decode_compressed(compressed(bytes(file)), "/cam")


@pytest.mark.parametrize(
    "description",
    [
        "16UC1; compressedDepth png",
        "32FC1; compressedDepth rvl",
        "16UC1; png compressed ",
        "32FC1; tiff compressed ",
    ],
)
def test_compressed_depth_is_refused_with_a_remedy(description):
    with pytest.raises(FrameError, match=r"^/cam: format .* holds depth.*give the topic"):
        decode_compressed(compressed(FILES["png"], description), "/cam")


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"GIF89a", bytes(100)])
def test_data_that_is_neither_jpeg_nor_png_is_refused(data):
    with pytest.raises(FrameError, match=rf"^/cam: {len(data)} bytes of format 'webp'"):
        decode_compressed(compressed(data, "webp"), "/cam")


@settings(no_deadline, max_examples=400)
@given(
    name=st.sampled_from(sorted(FILES)),
    at=st.floats(0, 1),
    patch=st.binary(max_size=12),
    dropped=st.integers(0, 30),
    description=st.sampled_from(
        ["jpeg", "bayer_rggb8; png compressed ", "bayer_x; png compressed"]
    ),
)
def test_damaged_data_gives_an_image_or_a_frame_error(name, at, patch, dropped, description):
    whole = FILES[name]
    where = int(at * len(whole))
    damaged = whole[:where] + patch + whole[where + dropped :]
    try:
        image = decode(compressed(damaged, description))
    except FrameError:
        return
    assert (image.ndim, image.shape[2], image.dtype) == (3, 3, np.uint8)


def test_a_png_of_a_camera_with_12_bits_uses_its_range():
    grey = samples(16, 20, 1, 8, seed=9)
    file = compress(grey.astype(np.uint16) << 4, ".png")
    image = decode(compressed(file, "mono16; png compressed "), intensities=IntensityRange())
    np.testing.assert_array_equal(image, grey.repeat(3, axis=2))


@pytest.mark.parametrize("encoded", [False, True])
def test_the_largest_number_of_pixels_can_be_set(encoded):
    height, width = SCENE.shape[:2]
    msg = compressed(FILES["png"])
    if not encoded:
        msg = message("rgb8", width, height, 3 * width, SCENE.tobytes())
    assert decode(msg, max_pixels=width * height).shape == SCENE.shape
    with pytest.raises(FrameError, match="raise max_image_pixels"):
        decode(msg, max_pixels=width * height - 1)


def test_a_jpeg_of_too_many_scans_is_refused_before_it_is_decoded():
    file = FILES["progressive"]
    scans = scan_count(file)
    assert 1 < scans <= MAX_SCANS and scan_count(FILES["png"]) == 0
    scan = file[file.rindex(b"\xff\xda") : -2]
    many = file[:-2] + scan * (MAX_SCANS - scans + 1) + file[-2:]
    with pytest.raises(FrameError, match=f"^/cam: the JPEG has {MAX_SCANS + 1} scans"):
        decode_compressed(compressed(many), "/cam")


def test_scans_of_a_thumbnail_are_not_counted():
    plain = compress(SCENE, ".jpg")
    thumbnail = b"\xff\xe1" + struct.pack(">H", 2 + 400) + b"\xff\xda" * 200
    assert scan_count(plain[:2] + thumbnail + plain[2:]) == scan_count(plain) == 1


@pytest.mark.parametrize("name", ["h264", "H.265", "hevc; yuv420p", "bgr8; h264_vaapi", "av1"])
def test_a_video_stream_is_named_with_its_remedy(name):
    msg = compressed(bytes([0, 0, 0, 1, 0x67]), name)
    with pytest.raises(FrameError, match=r"^/cam: .*is a video stream of .*republish"):
        decode_compressed(msg, "/cam")
