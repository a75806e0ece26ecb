# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera of rclpy in a process of its own, which sends an image when the last one is answered.

Usage: camera_process.py NAMESPACE RELIABILITY WIDTH HEIGHT COUNT; it prints the number of answers.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image

PATIENCE = 10.0  # [s] for the depth of an image


def camera(namespace: str, reliability: str, width: int, height: int, count: int) -> int:
    """Return how many of the images were answered by a depth image."""
    rclpy.init()
    node = rclpy.create_node("camera")
    qos = QoSProfile(depth=1, reliability=ReliabilityPolicy[reliability.upper()])
    images = node.create_publisher(Image, f"{namespace}/camera/image_raw", qos)
    infos = node.create_publisher(CameraInfo, f"{namespace}/camera/camera_info", qos)
    answers: set[int] = set()

    def answered(info: CameraInfo) -> None:
        answers.add(info.header.stamp.sec)

    node.create_subscription(CameraInfo, f"{namespace}/depth/camera_info", answered, 10)

    K = [float(width), 0.0, width / 2, 0.0, float(width), height / 2, 0.0, 0.0, 1.0]
    info = CameraInfo(width=width, height=height, distortion_model="plumb_bob", k=K)
    info.p = [*K[:3], 0.0, *K[3:6], 0.0, *K[6:], 0.0]
    image = Image(width=width, height=height, encoding="bgr8", step=3 * width)
    image.data = np.random.default_rng(0).integers(0, 255, 3 * width * height, np.uint8).tobytes()

    def ask(second: int, seconds: float) -> bool:
        info.header.stamp.sec = image.header.stamp.sec = second
        infos.publish(info)
        images.publish(image)
        end = time.monotonic() + seconds
        while second not in answers and time.monotonic() < end:
            rclpy.spin_once(node, timeout_sec=0.05)
        return second in answers

    # The node may still be adapting itself to this camera.
    while not ask(1, 1.0):
        pass
    return sum(ask(2 + index, PATIENCE) for index in range(count))


if __name__ == "__main__":
    namespace, reliability, *numbers = sys.argv[1:]
    print(camera(namespace, reliability, *map(int, numbers)), flush=True)
