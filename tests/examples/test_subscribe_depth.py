# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The example subscriber on a real rclpy, with depth in both encodings."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy cannot be imported here")
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import Image

pytestmark = pytest.mark.ros
FILE = Path(__file__).parents[2] / "examples" / "subscribe_depth.py"


@pytest.fixture(scope="module")
def example() -> dict:
    return runpy.run_path(str(FILE))


def message(depth: np.ndarray, encoding: str, padding: int = 0, big: bool = False) -> Image:
    """Return an image message of values [H,W] with unused bytes at the end of each row."""
    values = depth.astype(depth.dtype.newbyteorder(">" if big else "<"))
    rows = values.view(np.uint8).reshape(len(depth), -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=255)
    return Image(
        height=depth.shape[0],
        width=depth.shape[1],
        encoding=encoding,
        is_bigendian=big,
        step=rows.shape[1],
        data=rows.tobytes(),
    )


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("padding", [0, 8])
def test_both_encodings_give_metres(example, padding, big):
    metres = np.float32([[1.5, np.nan, 3.0], [2.0, 2.5, 4.0]])
    read = example["read_depth"](message(metres, "32FC1", padding, big))
    np.testing.assert_array_equal(read, metres)
    millimetres = np.nan_to_num(1000 * metres).astype(np.uint16)
    read = example["read_depth"](message(millimetres, "16UC1", padding, big))
    np.testing.assert_allclose(read, metres)


def test_unknown_depth_is_left_out(example):
    depth = np.full((9, 9), 5.0, np.float32)
    depth[4, 4] = np.nan
    assert example["ahead"](depth) == 5
    assert np.isnan(example["ahead"](np.full((9, 9), np.nan, np.float32)))


def test_the_node_receives_depth(example, domain):
    received: list[float] = []
    context = Context()
    rclpy.init(context=context, domain_id=domain)

    class Reader(example["DepthReader"]):
        def on_depth(self, image: Image) -> None:
            received.append(example["ahead"](example["read_depth"](image)))
            super().on_depth(image)

    try:
        reader = Reader(context=context)
        publisher = reader.create_publisher(Image, "depth/image_rect", 1)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(reader)
        image = message(np.full((9, 9), 2.5, np.float32), "32FC1")
        for _ in range(600):
            publisher.publish(image)
            executor.spin_once(timeout_sec=0.1)
            if received:
                break
        executor.shutdown()
        reader.destroy_node()
    finally:
        context.try_shutdown()
    assert received and set(received) == {2.5}
