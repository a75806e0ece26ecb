# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Latest poses of a moving frame, which are interpolated between their timestamps."""

from __future__ import annotations

from bisect import bisect_left

from jasmine_core.geometry.rigid import Array, interpolate

HISTORY = 2_000_000_000  # [ns] of poses that are kept
MOST = 1000  # poses that are kept
LONGEST_GAP = 500_000_000  # [ns] between two poses that are interpolated
LATE = 100_000_000  # [ns] after the last pose, up to which the motion is continued at least
LATEST = 300_000_000  # [ns] after the last pose, up to which it is continued at most
PERIODS = 1.5  # of the poses, after which one is missing


class PoseTrack:
    """Poses T_world_frame [4,4] in the order of their timestamps.

    A timestamp before all that are kept begins a new track, as when a bag is played in a loop.
    """

    def __init__(self) -> None:
        self._stamps: list[int] = []  # [ns]
        self._poses: list[Array] = []

    def add(self, stamp: int, T_world_frame: Array) -> None:
        """Add a pose at a timestamp [ns]; the oldest ones are dropped."""
        if self._stamps and stamp < self._stamps[0]:
            self._stamps.clear()
            self._poses.clear()
        at = bisect_left(self._stamps, stamp)
        if at < len(self._stamps) and self._stamps[at] == stamp:
            self._poses[at] = T_world_frame
            return
        self._stamps.insert(at, stamp)
        self._poses.insert(at, T_world_frame)
        old = bisect_left(self._stamps, self._stamps[-1] - HISTORY)
        old = max(old, len(self._stamps) - MOST)
        del self._stamps[:old], self._poses[:old]

    def at(self, stamp: int) -> Array | None:
        """Return the pose at a timestamp [ns], None where it is unknown.

        After the last pose, the motion between the last two is continued for `PERIODS` times the
        time between them, and for `LATE` at least and `LATEST` at most. So an image may come before
        the pose of its own timestamp, also at 10 Hz or less.
        """
        stamps = self._stamps
        after = bisect_left(stamps, stamp)
        if after < len(stamps) and stamps[after] == stamp:
            return self._poses[after]
        if after == 0 or len(stamps) < 2:
            return None
        if after == len(stamps):
            period = stamps[-1] - stamps[-2]
            if stamp - stamps[-1] > min(max(LATE, PERIODS * period), LATEST):
                return None
            after -= 1
        start, stop = stamps[after - 1], stamps[after]
        if stop - start > LONGEST_GAP:
            return None
        share = (stamp - start) / (stop - start)
        return interpolate(self._poses[after - 1], self._poses[after], share)
