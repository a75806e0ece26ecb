# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Buffer of the transforms between frames that /tf and /tf_static publish."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

import numpy as np

from jasmine_core.geometry.rigid import Array, from_numbers, interpolate, inverse, to_numbers
from jasmine_ros.msgs.messages import Messages, make_header, stamp_ns
from jasmine_ros.msgs.types import Quaternion, TFMessage, Vector3

TRANSFORMS = "tf2_msgs/msg/TFMessage"
TF, TF_STATIC = "/tf", "/tf_static"
HISTORY = 10_000_000_000  # [ns] of transforms kept for a moving frame, as in tf2
TOLERANCE = 100_000_000  # [ns] before the first or after the last transform of a moving frame
MAX_DISTANCE = 1e9  # [m] between two frames; differences of much larger numbers are not finite
_MAX_DEPTH = 100  # frames between a frame and its root; longer chains are cycles


def numbers_of(translation: Vector3, rotation: Quaternion) -> tuple[float, ...] | None:
    """Return a transform as (x, y, z [m], qx, qy, qz, qw), None if it is not a rigid transform."""
    t, q = translation, rotation
    numbers = tuple(float(v) for v in (t.x, t.y, t.z, q.x, q.y, q.z, q.w))
    near = max(map(abs, numbers[:3])) < MAX_DISTANCE
    usable = near and all(map(math.isfinite, numbers)) and 0.5 < math.hypot(*numbers[3:]) < 2
    return numbers if usable else None


def transforms_message(
    messages: Messages, transforms: Mapping[tuple[str, str], Array]
) -> TFMessage:
    """Build a `TFMessage` of fixed transforms {(parent, child): T_parent_child [4,4]}."""
    made = []
    for (parent, child), T in transforms.items():
        x, y, z, qx, qy, qz, qw = to_numbers(T)
        transform = messages.make(
            "geometry_msgs/msg/Transform",
            translation=messages.make("geometry_msgs/msg/Vector3", x=x, y=y, z=z),
            rotation=messages.make("geometry_msgs/msg/Quaternion", x=qx, y=qy, z=qz, w=qw),
        )
        header = make_header(messages, 0, parent)
        made.append(
            messages.make(
                "geometry_msgs/msg/TransformStamped",
                header=header,
                child_frame_id=child,
                transform=transform,
            )
        )
    message: TFMessage = messages.make(TRANSFORMS, transforms=made)
    return message


@dataclass
class _Track:
    """Transforms T_parent_child of a moving frame, ordered by their stamps [ns]."""

    parent: str
    stamps: list[int] = field(default_factory=list)
    numbers: list[tuple[float, ...]] = field(default_factory=list)

    def add(self, stamp: int, numbers: tuple[float, ...]) -> None:
        if self.stamps and stamp < self.stamps[-1] - HISTORY:  # the clock was set back
            self.stamps.clear()
            self.numbers.clear()
        at = bisect_left(self.stamps, stamp)
        self.stamps.insert(at, stamp)
        self.numbers.insert(at, numbers)
        old = bisect_left(self.stamps, self.stamps[-1] - HISTORY)
        del self.stamps[:old], self.numbers[:old]

    def at(self, stamp: int) -> Array | None:
        """Return T_parent_child [4,4], interpolated; None if no transform is near the stamp."""
        after = bisect_left(self.stamps, stamp)
        if 0 < after < len(self.stamps):
            start, stop = self.stamps[after - 1], self.stamps[after]
            a, b = (from_numbers(self.numbers[i]) for i in (after - 1, after))
            return interpolate(a, b, (stamp - start) / (stop - start))
        nearest = min(after, len(self.stamps) - 1)
        if abs(self.stamps[nearest] - stamp) > TOLERANCE:
            return None
        return from_numbers(self.numbers[nearest])


class TransformBuffer:
    """Buffer of /tf and /tf_static that gives the transform between two frames; thread-safe."""

    def __init__(self) -> None:
        self._fixed: dict[str, tuple[str, Array]] = {}  # child: parent, T_parent_child
        self._moving: dict[str, _Track] = {}  # child: its transforms
        self._lock = Lock()

    def on_static(self, message: TFMessage) -> None:
        """Store the fixed transforms of a message on /tf_static."""
        with self._lock:
            for parent, child, _, numbers in _transforms(message):
                self._fixed[child] = parent, from_numbers(numbers)

    def on_moving(self, message: TFMessage) -> None:
        """Store the stamped transforms of a message on /tf."""
        with self._lock:
            for parent, child, stamp, numbers in _transforms(message):
                track = self._moving.get(child)
                if track is None or track.parent != parent:
                    track = self._moving[child] = _Track(parent)
                track.add(stamp, numbers)

    def between(
        self, target: str, target_stamp: int, source: str, source_stamp: int
    ) -> Array | None:
        """Return T_target_source [4,4] between two frames at two times [ns]; None if not known.

        The transform is computed through the highest common ancestor of the frames. If that is
        fixed in the world, such as odom, the motion between the two times is included.
        """
        with self._lock:
            above_target = self._ancestors(target.lstrip("/"), target_stamp)
            above_source = self._ancestors(source.lstrip("/"), source_stamp)
        shared = [frame for frame in above_target if frame in above_source]
        if not shared:
            return None
        return inverse(above_target[shared[-1]]) @ above_source[shared[-1]]

    def _ancestors(self, frame: str, stamp: int) -> dict[str, Array]:
        """Return {ancestor: T_ancestor_frame [4,4]} from the frame itself up to its root."""
        T = np.eye(4)
        found = {frame: T}
        while len(found) < _MAX_DEPTH:
            track = self._moving.get(frame)
            parent, step = (track.parent, track.at(stamp)) if track else ("", None)
            if step is None:
                parent, step = self._fixed.get(frame, ("", None))
            if step is None or parent in found:
                break
            frame, T = parent, step @ T
            found[frame] = T
        return found


def _transforms(message: TFMessage) -> list[tuple[str, str, int, tuple[float, ...]]]:
    """Return (parent, child, stamp [ns], numbers) of the usable transforms of a `TFMessage`."""
    found = []
    for stamped in message.transforms:
        parent, child = stamped.header.frame_id.lstrip("/"), stamped.child_frame_id.lstrip("/")
        numbers = numbers_of(stamped.transform.translation, stamped.transform.rotation)
        if numbers and parent and child and parent != child:
            found.append((parent, child, stamp_ns(stamped.header.stamp), numbers))
    return found
