# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Image files of any name, and files that are not images."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from jasmine_core.image_files import MAX_SCANS, read_pixels, write_png


@pytest.mark.parametrize("name", [b"depth.png", b"caf\xe9.png", "深度.png".encode()])
def test_image_of_any_name_is_written_and_read(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    pixels = np.arange(600, dtype=np.uint16).reshape(20, 30)
    write_png(path, pixels)
    assert np.array_equal(read_pixels(path, cv2.IMREAD_UNCHANGED), pixels)


def encoded(suffix, height=40, width=60):
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    return cv2.imencode(suffix, pixels)[1].tobytes()


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"no image", encoded(".png")[:-20], encoded(".jpg")[:-20], encoded(".bmp")),
        encoded(".png")[:40] + b"damaged" + encoded(".png")[47:],
    ],
)
def test_file_that_is_not_an_image_has_no_pixels(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    assert read_pixels(tmp_path / "a.png", cv2.IMREAD_COLOR) is None


@pytest.mark.parametrize("kind", ["pixels", "scans", "bytes"])
def test_file_that_costs_too_much_is_refused_before_it_is_decoded(tmp_path, kind, monkeypatch):
    path = tmp_path / "a.png"
    data = encoded(".png")
    if kind == "pixels":
        data = data[:16] + struct.pack(">II", 1 << 16, 1 << 16) + data[24:]
    elif kind == "scans":
        data = encoded(".jpg")
        scan = data[data.rindex(b"\xff\xda") : -2]
        data = data[:-2] + scan * MAX_SCANS + data[-2:]
    else:
        monkeypatch.setattr("jasmine_core.image_files.MAX_BYTES", len(data) - 1)
    path.write_bytes(data)
    with pytest.raises(OSError, match=rf"it has \d.* {kind}|it has 65536x65536 px"):
        read_pixels(path, cv2.IMREAD_COLOR)


@pytest.mark.parametrize("target", ["/dev/zero", "/nowhere", "fifo"])
def test_device_fifo_and_dangling_link_are_not_read(tmp_path, target):
    path: Path = tmp_path / "a.png"
    if target == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(target)
    with pytest.raises(OSError):
        read_pixels(path, cv2.IMREAD_COLOR)
