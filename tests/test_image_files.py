# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Image files of any name, and files that are not images."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from jasmine_core.image_files import read_pixels, write_png


@pytest.mark.parametrize("name", [b"depth.png", b"caf\xe9.png", "深度.png".encode()])
def test_image_of_any_name_is_written_and_read(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    pixels = np.arange(600, dtype=np.uint16).reshape(20, 30)
    write_png(path, pixels)
    assert np.array_equal(read_pixels(path, cv2.IMREAD_UNCHANGED), pixels)


@pytest.mark.parametrize("content", [b"", b"no image"])
def test_file_that_is_not_an_image_has_no_pixels(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    assert read_pixels(tmp_path / "a.png", cv2.IMREAD_COLOR) is None


@pytest.mark.parametrize("target", ["/dev/zero", "/nowhere", "fifo"])
def test_device_fifo_and_dangling_link_are_not_read(tmp_path, target):
    path: Path = tmp_path / "a.png"
    if target == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to(target)
    with pytest.raises(OSError):
        read_pixels(path, cv2.IMREAD_COLOR)
