# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera of rclpy in a process of its own, which sends one image for each line that it reads.

A line is a JSON object: topic, width, height, info (whether a CameraInfo is sent too) and raw
(whether the message is serialised before its time is taken). The answer is a line with the time
[ns] at which the image was stamped. The other end of it is `Camera`.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def processor_time(pid: int) -> float:
    """Return the processor time [ms] that the running threads of a process have used."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((each / "schedstat").read_text().split()[0]) for each in threads) / 1e6


class Camera:
    """Camera process, as seen by the benchmark."""

    def __init__(self, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )

    def send(self, topic: str, size: tuple[int, int], **options: bool) -> int:
        """Publish one image; return the time [ns] of its stamp."""
        order = {"topic": topic, "width": size[0], "height": size[1], **options}
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        answer = stdout.readline()
        if not answer:
            raise SystemExit("the camera process has ended")
        return int(answer)

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=30)


def main() -> None:
    """Answer the lines of the standard input."""
    import rclpy
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from rclpy.serialization import serialize_message
    from sensor_msgs.msg import CameraInfo, Image

    rclpy.init()
    node = rclpy.create_node("benchmark_camera")
    qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
    publishers: dict[tuple[str, type], Any] = {}
    images: dict[tuple[int, int], tuple[Any, bytearray]] = {}

    def publisher(kind: type, topic: str) -> Any:
        if (topic, kind) not in publishers:
            publishers[topic, kind] = node.create_publisher(kind, topic, qos)
        return publishers[topic, kind]

    for line in sys.stdin:
        order = json.loads(line)
        topic, width, height = order["topic"], order["width"], order["height"]
        if (width, height) not in images:
            message = make_image(Image, width, height)
            images[width, height] = message, bytearray(serialize_message(message))
        message, raw = images[width, height]
        to_images = publisher(Image, topic)
        to_infos = publisher(CameraInfo, topic.rpartition("/")[0] + "/camera_info")
        now = time.time_ns()
        sec, nanosec = divmod(now, 10**9)
        if order.get("info"):
            to_infos.publish(make_info(CameraInfo, width, height, sec, nanosec))
        if order.get("raw"):
            # The stamp follows the four bytes that tell the encoding.
            struct.pack_into("<iI", raw, 4, sec, nanosec)
            to_images.publish(bytes(raw))
        else:
            message.header.stamp.sec, message.header.stamp.nanosec = sec, nanosec
            to_images.publish(message)
        print(now, flush=True)
    node.destroy_node()
    rclpy.try_shutdown()


def make_image(kind: Any, width: int, height: int) -> Any:
    """Return a bgr8 image of noise."""
    message = kind(width=width, height=height, encoding="bgr8", step=3 * width)
    message.header.frame_id = "camera_optical_frame"
    rng = np.random.default_rng(0)
    message.data = rng.integers(0, 255, 3 * width * height, np.uint8).tobytes()
    return message


def make_info(kind: Any, width: int, height: int, sec: int, nanosec: int) -> Any:
    """Return the CameraInfo of a pinhole camera without distortion."""
    K = [0.6 * width, 0.0, width / 2, 0.0, 0.6 * width, height / 2, 0.0, 0.0, 1.0]
    message = kind(width=width, height=height, distortion_model="plumb_bob", k=K)
    message.p = [*K[:3], 0.0, *K[3:6], 0.0, *K[6:], 0.0]
    message.header.frame_id = "camera_optical_frame"
    message.header.stamp.sec, message.header.stamp.nanosec = sec, nanosec
    return message


if __name__ == "__main__":
    main()
