# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Transforms between frames: the fixed ones of a bag, and all that come on /tf and /tf_static."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np

from jasmine_core.geometry.rigid import Array, from_numbers, interpolate, inverse
from jasmine_ros.msgs.messages import stamp_ns

TRANSFORMS = "tf2_msgs/msg/TFMessage"
TF, TF_STATIC = "/tf", "/tf_static"
KEPT = 10_000_000_000  # [ns] of history of a moving frame, as tf2 keeps
BEYOND = 100_000_000  # [ns] before its first and after its last transform
_DEEPEST = 100  # frames from the root; more of them are a circle


def numbers_of(translation: Any, rotation: Any) -> tuple[float, ...] | None:
    """Return a transform as seven numbers, None if they are not one."""
    t, q = translation, rotation
    numbers = tuple(float(v) for v in (t.x, t.y, t.z, q.x, q.y, q.z, q.w))
    usable = np.isfinite(numbers).all() and np.linalg.norm(numbers[3:]) > 0.5
    return numbers if usable else None


@dataclass
class _Track:
    """A moving frame: T_parent_child as seven numbers, in the order of their stamps [ns]."""

    parent: str
    stamps: list[int] = field(default_factory=list)
    numbers: list[tuple[float, ...]] = field(default_factory=list)

    def add(self, stamp: int, numbers: tuple[float, ...]) -> None:
        if self.stamps and stamp < self.stamps[-1] - KEPT:  # time began anew
            self.stamps.clear()
            self.numbers.clear()
        at = bisect_left(self.stamps, stamp)
        self.stamps.insert(at, stamp)
        self.numbers.insert(at, numbers)
        old = bisect_left(self.stamps, self.stamps[-1] - KEPT)
        del self.stamps[:old], self.numbers[:old]

    def at(self, stamp: int) -> Array | None:
        """Return T_parent_child [4,4], interpolated; None far from any that is known."""
        after = bisect_left(self.stamps, stamp)
        if 0 < after < len(self.stamps):
            start, stop = self.stamps[after - 1], self.stamps[after]
            a, b = (from_numbers(self.numbers[i]) for i in (after - 1, after))
            return interpolate(a, b, (stamp - start) / (stop - start))
        nearest = min(after, len(self.stamps) - 1)
        if abs(self.stamps[nearest] - stamp) > BEYOND:
            return None
        return from_numbers(self.numbers[nearest])


class TransformBuffer:
    """Remember /tf and /tf_static, and answer between frames and times; threads may share it."""

    def __init__(self) -> None:
        self._fixed: dict[str, tuple[str, Array]] = {}  # child: parent, T_parent_child
        self._moving: dict[str, _Track] = {}  # child: where it is in its parent
        self._lock = Lock()

    def on_static(self, message: Any) -> None:
        """Learn the fixed transforms of a `TFMessage`."""
        with self._lock:
            for parent, child, _, numbers in _transforms(message):
                self._fixed[child] = parent, from_numbers(numbers)

    def on_moving(self, message: Any) -> None:
        """Learn the stamped transforms of a `TFMessage`."""
        with self._lock:
            for parent, child, stamp, numbers in _transforms(message):
                track = self._moving.get(child)
                if track is None or track.parent != parent:
                    track = self._moving[child] = _Track(parent)
                track.add(stamp, numbers)

    def between(
        self, target: str, target_stamp: int, source: str, source_stamp: int
    ) -> Array | None:
        """Return T_target_source [4,4], each frame at a time [ns] of its own; None if not known.

        The way leads through the highest frame above both. If that is one that the robot moves in,
        such as odom, what moved between the two times is right.
        """
        with self._lock:
            above_target = self._ancestors(target.lstrip("/"), target_stamp)
            above_source = self._ancestors(source.lstrip("/"), source_stamp)
        shared = [frame for frame in above_target if frame in above_source]
        if not shared:
            return None
        return inverse(above_target[shared[-1]]) @ above_source[shared[-1]]

    def _ancestors(self, frame: str, stamp: int) -> dict[str, Array]:
        """Return {ancestor: T_ancestor_frame} from the frame itself up to its root."""
        T = np.eye(4)
        found = {frame: T}
        while len(found) < _DEEPEST:
            if track := self._moving.get(frame):
                parent, step = track.parent, track.at(stamp)
            else:
                parent, step = self._fixed.get(frame, ("", None))
            if step is None or parent in found:
                break
            frame, T = parent, step @ T
            found[frame] = T
        return found


def _transforms(message: Any) -> list[tuple[str, str, int, tuple[float, ...]]]:
    """Return (parent, child, stamp [ns], numbers) of the usable transforms of a `TFMessage`."""
    found = []
    for stamped in message.transforms:
        parent, child = stamped.header.frame_id.lstrip("/"), stamped.child_frame_id.lstrip("/")
        numbers = numbers_of(stamped.transform.translation, stamped.transform.rotation)
        if numbers and parent and child and parent != child:
            found.append((parent, child, stamp_ns(stamped.header.stamp), numbers))
    return found
