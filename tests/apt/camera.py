# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera and subscriber of rclpy for `check.py`: camera.py IMAGES.npz DEPTHS.npz.

The input has `images` [n,H,W,3] uint8 RGB and `K` [9]; the output `depths` [n,H,W] of the node.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import rclpy
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image

LIMIT = 600.0  # [s] for the start of the node, and for each image, on a busy machine
AGAIN = (10.0, 60.0)  # [s] after which an image is sent again: before and after the first depth


def main(source: str, target: str) -> None:
    """Publish each image until the node has answered with the depth of its stamp."""
    given = np.load(source)
    rclpy.init()
    node = rclpy.create_node("camera")
    images = node.create_publisher(Image, "/camera/image", QoSProfile(depth=1))
    infos = node.create_publisher(CameraInfo, "/camera/camera_info", QoSProfile(depth=1))
    depths: dict[int, np.ndarray] = {}

    def receive(message: Image) -> None:
        assert (message.encoding, message.is_bigendian) == ("32FC1", 0)
        values = np.frombuffer(message.data, np.float32)
        depths[message.header.stamp.sec] = values.reshape(message.height, message.width)

    node.create_subscription(Image, "/depth/image_rect", receive, QoSProfile(depth=10))
    for second, pixels in enumerate(given["images"], 1):
        height, width = pixels.shape[:2]
        image = Image(width=width, height=height, encoding="rgb8", step=3 * width)
        image.data = pixels.tobytes()
        info = CameraInfo(width=width, height=height, distortion_model="plumb_bob")
        info.k = K = given["K"].tolist()
        info.d = [0.0] * 5
        info.p = [*K[:3], 0.0, *K[3:6], 0.0, *K[6:], 0.0]
        began, sent = time.monotonic(), -np.inf
        while second not in depths:
            now = time.monotonic()
            if now - began > LIMIT:
                sys.exit(f"no depth of image {second} arrived within {LIMIT:.0f} s")
            if now - sent > AGAIN[bool(depths)] and images.get_subscription_count():
                for publisher, message in ((infos, info), (images, image)):
                    message.header.frame_id = "camera_optical_frame"
                    message.header.stamp.sec = second
                    publisher.publish(message)
                sent = now
            rclpy.spin_once(node, timeout_sec=0.1)
        print(f"depth of image {second} after {time.monotonic() - began:.1f} s", flush=True)
    np.savez(target, depths=np.stack([depths[at] for at in sorted(depths)]))
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
