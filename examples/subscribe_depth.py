# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Subscriber of the depth on ROS 2: it prints the distance of what is ahead, for each image.

Run it beside the node of depth.launch.py:

    python examples/subscribe_depth.py
    python examples/subscribe_depth.py --ros-args -r __ns:=/left  # for a node in a namespace
"""

from __future__ import annotations

from typing import Any

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

TYPES = {"32FC1": (np.float32, 1.0), "16UC1": (np.uint16, 0.001)}  # REP 118: metres, millimetres


def read_depth(message: Image) -> NDArray[np.float32]:
    """Return the depth [H,W] of a message in metres (or model units), NaN where unknown."""
    kind, metres = TYPES[message.encoding]
    order = ">" if message.is_bigendian else "<"
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    used = rows[:, : message.width * np.dtype(kind).itemsize]  # without the padding of a row
    values = np.ascontiguousarray(used).view(np.dtype(kind).newbyteorder(order))
    depth = values.astype(np.float32) * np.float32(metres)
    depth[values == 0] = np.nan
    return depth


def ahead(depth: NDArray[np.float32]) -> float:
    """Return the tenth percentile of the known depth in the middle ninth; NaN if there is none."""
    height, width = depth.shape
    middle = depth[height // 3 : 2 * height // 3 + 1, width // 3 : 2 * width // 3 + 1]
    known = middle[np.isfinite(middle)]
    return float(np.percentile(known, 10)) if known.size else float("nan")


class DepthReader(Node):
    """Node that reads depth/image_rect."""

    def __init__(self, **options: Any) -> None:
        super().__init__("depth_reader", **options)
        # Large messages are lost less often with a reliable subscription; the node offers one.
        qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
        self.create_subscription(Image, "depth/image_rect", self.on_depth, qos)

    def on_depth(self, message: Image) -> None:
        """Log the distance of what is ahead."""
        self.get_logger().info(f"ahead: {ahead(read_depth(message)):.2f}")


def main() -> None:
    """Run the node until Ctrl-C."""
    rclpy.init()
    node = DepthReader()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
