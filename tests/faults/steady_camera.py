# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera in a process of its own, which sends images at a fixed rate until its input is closed.

Usage: python -m faults.steady_camera HOST DOMAIN NAMESPACE WIDTH HEIGHT RATE, where HOST is dds or
ros2; it prints the number of images and the duration [s] as JSON. The images are serialised before,
so that the cost of one is that of sending it. One of `DAMAGED` images cannot be decoded.
"""

from __future__ import annotations

import json
import os
import select
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from contract.steps import image, info
from helpers.camera_bags import IMAGE_TOPIC, INFO_TOPIC, pixels

from jasmine_ros.bags.rosbags_messages import RosbagsMessages

DAMAGED = 50
SHOWN = 8  # different images
IMAGE, INFO = "sensor_msgs/msg/Image", "sensor_msgs/msg/CameraInfo"
TESTS = Path(__file__).parents[1]
# Fast DDS then has room for whole images in shared memory.
PROFILES = {
    f"{name}_DEFAULT_PROFILES_FILE": str(TESTS.parent / "config" / "fastdds_large_images.xml")
    for name in ("FASTDDS", "FASTRTPS")
}


class SteadyCamera:
    """The camera process, as seen by a test."""

    def __init__(
        self, host: str, domain: int, namespace: str, size: tuple[int, int], rate: float
    ) -> None:
        path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
        arguments = [host, domain, namespace, *size, rate]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.steady_camera", *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | PROFILES | {"PYTHONPATH": path},
        )

    @property
    def gone(self) -> bool:
        return self._process.poll() is not None

    def stop(self) -> tuple[int, float]:
        """End the camera; return the number of its images and their duration [s]."""
        printed, _ = self._process.communicate(timeout=60)
        sent, seconds = json.loads(printed)
        return sent, seconds

    def kill(self) -> None:
        """End the camera, unless it has ended."""
        if not self.gone:
            self._process.kill()
            self._process.communicate(timeout=10)


def send_images(
    participant: Any, namespace: str, size: tuple[int, int], rate: float
) -> tuple[int, float]:
    """Send images and their CameraInfo; return the number of images and the duration [s]."""
    messages = RosbagsMessages(participant.typestore)

    def serialised(send: Any) -> bytearray:
        _, kind, message = send.message(messages)
        return bytearray(messages.typestore.serialize_cdr(message, kind))

    width, height = size
    images = [serialised(image(0, pixels(i, width, height))) for i in range(SHOWN)]
    damaged = serialised(image(0, pixels(0, width, height), encoding="none"))
    calibration = serialised(info(0, width=width, height=height))
    to_images = participant.writer(f"rt{namespace}{IMAGE_TOPIC}", IMAGE)
    to_infos = participant.writer(f"rt{namespace}{INFO_TOPIC}", INFO)
    while not (to_images.matched and to_infos.matched):
        participant.wait(0.05)
    index, began = 0, time.monotonic()
    due = began
    while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
        shown = damaged if index % DAMAGED == DAMAGED - 1 else images[index % SHOWN]
        for payload in (calibration, shown):
            # The stamp follows the four bytes that tell the encoding.
            struct.pack_into("<iI", payload, 4, *divmod(time.time_ns(), 10**9))
        to_infos.write(calibration)
        to_images.write(shown)
        index += 1
        due += 1 / rate
        if time.monotonic() - due > 1 / rate:
            due = time.monotonic()  # A camera that was late does not send the images it missed.
    return index, time.monotonic() - began


def main(host: str, domain: str, namespace: str, width: str, height: str, rate: str) -> None:
    """Run the camera on the middleware of a host."""
    if host == "ros2":
        from contract.rclpy_participant import RclpyParticipant as Participant
    else:
        from jasmine_ros.dds.participant import Participant
    with Participant(RosbagsMessages().typestore, int(domain)) as participant:
        size = int(width), int(height)
        print(json.dumps(send_images(participant, namespace, size, float(rate))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
