# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The one calibration of a camera in a recording, from all of its CameraInfo messages."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jasmine_core.errors import BagError, CameraError, FrameError
from jasmine_ros.bags.bag_message import BagMessage
from jasmine_ros.bags.camera_topics import CameraTopics
from jasmine_ros.bags.damage import DamagedMessages
from jasmine_ros.bags.reader import Bag, without_strays
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.calibration_file import read_camera_info
from jasmine_ros.msgs.camera_info import calibration_of
from jasmine_ros.msgs.types import CameraInfo

_STAMP_BYTES = 12  # CDR header and stamp (ROS 1: seq and stamp), which differ in each message
_ODD_SHARE = 100  # one message of so many, or a single one, may differ from all others
_MOST_KINDS = 16  # different cameras in such messages


class ConstantCalibration:
    """Reader of the CameraInfo messages of a camera, one at a time.

    Damaged messages are skipped and counted, and so are single ones that differ from those before
    and after them. Invalid ones are used only if there is no valid one.

    Args:
        bag: an open bag.
        camera: the camera.
        damaged: counters of the messages that are skipped.
    """

    def __init__(self, bag: Bag, camera: CameraTopics, damaged: DamagedMessages) -> None:
        self._bag, self._camera, self._damaged = bag, camera, damaged
        self._invalid: CameraInfo | None = None
        self._found: list[CameraInfo] = []  # different ones
        self._count: list[int] = []  # messages of each
        self._begin: list[int] = []  # [ns] time of recording of the first message of each
        self._raw: bytes | None = None  # of the last message, without its timestamp
        self._last = 0  # which of them the last message was

    def add(self, message: BagMessage) -> None:
        """Add a message."""
        if self._raw is not None and self._raw == message.raw[_STAMP_BYTES:]:
            self._count[self._last] += 1
            return
        try:
            info: CameraInfo = self._bag.decode(message)
        except FrameError as err:
            self._damaged.add(message.topic, str(err))
            return
        try:
            calibration_of(info)
        except CameraError as err:
            self._invalid = self._invalid or info
            self._damaged.add(message.topic, str(err))
            return
        same = (i for i, other in enumerate(self._found) if same_camera(info, other))
        self._last = next(same, len(self._found))
        if self._last == len(self._found):
            self._found.append(info)
            self._count.append(0)
            self._begin.append(message.stamp)
            self._expect_few_odd()
        self._count[self._last] += 1
        self._raw = message.raw[_STAMP_BYTES:]

    def result(self) -> CameraInfo:
        """Return the first CameraInfo of the camera after all messages were added.

        Raises:
            BagError: the calibration changes, or the camera has no CameraInfo.
        """
        if not self._found:
            if self._invalid is not None:
                return self._invalid
            topic = self._camera.info
            damage = ", but damaged ones" if topic in self._damaged.summary() else ""
            raise BagError(f"{topic} in {self._bag.path} has no messages{damage}")
        main, total = int(np.argmax(self._count)), sum(self._count)
        odd = total - self._count[main]
        if odd and (self._last != main or self._count[main] < 2 or odd > _most_odd(total)):
            raise self._changes()
        for i, count in enumerate(self._count):
            for _ in range(count if i != main else 0):
                self._damaged.add(
                    str(self._camera.info),
                    f"{self._camera.info}: the CameraInfo at {self._begin[i]} ns differs from the "
                    f"{self._count[main]} others",
                )
        return self._found[main]

    def _expect_few_odd(self) -> None:
        """Raise BagError if so many messages differ that the result is known."""
        total = self._bag.topics[str(self._camera.info)].count
        if len(self._found) - 1 > min(_most_odd(total), _MOST_KINDS):
            raise self._changes()

    def _changes(self) -> BagError:
        images = without_strays(self._bag.stamps(self._camera.image))
        at = (self._begin[1] - images[0]) * 1e-9 if images else 0.0
        return BagError(
            f"{self._camera.info} in {self._bag.path} changes {at:.1f} s after the first image, "
            "but a recording needs one K; split the bag there, or fix focus and zoom"
        )


def constant_camera_info(
    bag: Bag, camera: CameraTopics, calibration: Path | None, damaged: DamagedMessages
) -> CameraInfo:
    """Return the CameraInfo of the calibration file if one is given, else the one of the bag.

    Raises:
        CameraError: the file cannot be read as a calibration.
        BagError: the calibration of the bag changes, or the camera has no CameraInfo.
    """
    if calibration is not None:
        return read_camera_info(calibration, RosbagsMessages())
    reader = ConstantCalibration(bag, camera, damaged)
    for message in bag.messages([camera.info]) if camera.info else ():
        reader.add(message)
    return reader.result()


def same_camera(a: CameraInfo, b: CameraInfo) -> bool:
    """Return whether two valid CameraInfo messages describe the same image and lens."""
    first, second = calibration_of(a), calibration_of(b)
    if (first.width, first.height) != (second.width, second.height):
        return False
    if len(first.D) < len(second.D):
        first, second = second, first
    if first.D.any() and first.distortion_model != second.distortion_model:
        return False
    D = np.pad(second.D, (0, len(first.D) - len(second.D)))  # Missing coefficients are zero.
    pairs = ((first.K, second.K), (first.D, D), (first.R, second.R), (first.P, second.P))
    return all(np.allclose(one, other, rtol=5e-3, atol=1e-3) for one, other in pairs)


def _most_odd(total: int) -> int:
    return max(1, total // _ODD_SHARE)
