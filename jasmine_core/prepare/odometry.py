# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera poses from the odometry of a robot, and their validation against the images."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np

from jasmine_core.geometry.rigid import Array, from_numbers, interpolate, inverse
from jasmine_core.prepare.optical_flow import MIN_POINTS, Matches, View, match, project, rays

MAX_GAP = 500_000_000  # [ns] between two samples that are interpolated
MAX_JUMP_SHARE = 0.01  # share of the steps; with more jumps the odometry is not used
_JUMP_SPEED = 5.0  # least ratio of the speed of a jump to the speeds before and after it
_JUMP_LENGTH = 0.2  # [m] least length of a jump
# With correct poses, extrinsics, timestamps and intrinsics the distance of points from their
# epipolar lines is a small share of their parallax: 0.03 on a car, 0.1 for a handheld camera.
# With wrong axes it is 0.17 to 0.5.
MAX_EPIPOLAR_ERROR = 0.15
_CLEAR_PARALLAX = 4.0  # [px] enough to validate an odometry with one pair of images
MIN_PLACES = 3  # of a recording where an odometry must be compared with the images
MIN_IN_FRONT = 0.75  # least share of the points triangulated in front of the camera


class Odometry:
    """Poses of a camera over time.

    Args:
        samples: (timestamp [ns], T_odom_child as x, y, z [m], qx, qy, qz, qw).
        T_child_camera: fixed transform [4,4] from the camera's optical frame.
    """

    def __init__(
        self, samples: Iterable[tuple[int, tuple[float, ...]]], T_child_camera: Array
    ) -> None:
        ordered = dict(sorted(samples))
        self.stamps = list(ordered)
        self._numbers = np.array(list(ordered.values())).reshape(-1, 7)
        self._T_child_camera = T_child_camera
        self.jumps = _jumps(np.array(self.stamps, np.int64), self._numbers[:, :3])

    def distance(self, stamp: int) -> float:
        """Return how far a time [ns] is from the samples [s]: negative before, positive after."""
        first, last = self.stamps[0], self.stamps[-1]
        return (min(0, stamp - first) + max(0, stamp - last)) * 1e-9

    @property
    def jump_share(self) -> float:
        """Return the share of steps between samples that are jumps, 0..1."""
        return len(self.jumps) / max(1, len(self.stamps) - 1)

    def pose(self, stamp: int) -> Array | None:
        """Return T_odom_camera [4,4] at a time [ns], None outside the samples or in a gap."""
        after = bisect_right(self.stamps, stamp)
        if after and self.stamps[after - 1] == stamp:
            return from_numbers(self._numbers[after - 1]) @ self._T_child_camera
        if after == 0 or after == len(self.stamps):
            return None
        start, stop = self.stamps[after - 1], self.stamps[after]
        if stop - start > MAX_GAP:
            return None
        share = (stamp - start) / (stop - start)
        a, b = (from_numbers(self._numbers[i]) for i in (after - 1, after))
        return interpolate(a, b, share) @ self._T_child_camera

    def between(self, target: int, source: int) -> Array | None:
        """Return T_target_source [4,4] of the camera between two times [ns], None if unknown.

        It is unknown across a jump and where one of the poses is unknown.
        """
        first, last = sorted((target, source))
        if bisect_right(self.jumps, last) != bisect_right(self.jumps, first):
            return None
        T_odom_target, T_odom_source = self.pose(target), self.pose(source)
        if T_odom_target is None or T_odom_source is None:
            return None
        return inverse(T_odom_target) @ T_odom_source


def _jumps(stamps: Array, positions: Array) -> list[int]:
    """Return the timestamps [ns] after each jump: a step much faster than the steps around it."""
    if len(stamps) < 3:
        return []
    lengths = np.linalg.norm(np.diff(positions, axis=0), axis=1)  # [N-1] m
    speeds = lengths / np.maximum(np.diff(stamps) * 1e-9, 1e-3)
    around = np.pad(speeds, 1)
    neighbouring = np.maximum(around[:-2], around[2:])
    jumps = (speeds > _JUMP_SPEED * neighbouring) & (lengths > _JUMP_LENGTH)
    return [int(stamp) for stamp in stamps[1:][jumps]]


@dataclass(frozen=True)
class Agreement:
    """Agreement of a known camera motion with the points tracked between two images."""

    epipolar: float  # median distance of the points from their epipolar lines, share of parallax
    in_front: float  # share of the points that are triangulated in front of the camera
    parallax: float = 0.0  # [px] median of the points that were compared


def agreement(a: View, b: View, matches: Matches, T_b_a: Array) -> Agreement | None:
    """Compare a motion T_b_a [4,4] with two images; None if they show too little parallax."""
    if len(matches.a) < MIN_POINTS or not np.linalg.norm(T_b_a[:3, 3]) > 1e-4:
        return None
    turned = project(rays(matches.a, a.camera.K) @ T_b_a[:3, :3].T, b.camera.K)
    parallax = np.linalg.norm(matches.b - turned, axis=1)  # [N] px
    clear = parallax > 1.0
    if np.count_nonzero(clear) < MIN_POINTS:
        return None
    t = T_b_a[:3, 3]
    cross = np.array([[0, -t[2], t[1]], [t[2], 0, -t[0]], [-t[1], t[0], 0]])
    F = np.linalg.inv(b.camera.K).T @ cross @ T_b_a[:3, :3] @ np.linalg.inv(a.camera.K)
    x, y = (np.column_stack([p[clear], np.ones(clear.sum())]) for p in (matches.a, matches.b))
    lines_b, lines_a = x @ F.T, y @ F  # [N,3]
    slopes = (lines_b[:, :2] ** 2).sum(1) + (lines_a[:, :2] ** 2).sum(1)
    error = np.abs((y * lines_b).sum(1)) / np.sqrt(np.maximum(slopes, 1e-18))  # Sampson's [px]
    inverse_depth = inverse_depths(a, b, matches, T_b_a)[0][clear]
    typical = float(np.median(parallax[clear]))
    in_front = float(np.mean(inverse_depth > 0))
    return Agreement(float(np.median(error)) / typical, in_front, typical)


def probe(views: Iterable[tuple[int, View]], odometry: Odometry) -> Agreement | None:
    """Compare an odometry with the first image and a later one from a clearly different place.

    Args:
        views: consecutive images with their timestamps [ns]; read only as far as needed.
        odometry: poses of the camera.

    Returns:
        The agreement, or None if no image shows enough parallax.
    """
    found = None
    start: tuple[int, View] | None = None
    for stamp, view in views:
        if start is None:
            start = stamp, view
            continue
        matches = match(start[1], view)
        if matches.overlap < 0.6:
            break
        T_b_a = odometry.between(stamp, start[0])
        if T_b_a is not None:
            found = agreement(start[1], view, matches, T_b_a) or found
        if found is not None and found.parallax >= _CLEAR_PARALLAX:
            break
    return found


def contradiction(agreements: Iterable[Agreement]) -> str | None:
    """Return how the images contradict an odometry, None if they agree.

    Fewer than MIN_PLACES agreements are not sufficient for a decision.
    """
    found = list(agreements)
    if len(found) < MIN_PLACES:
        return None
    epipolar = median(a.epipolar for a in found)
    in_front = median(a.in_front for a in found)
    if epipolar <= MAX_EPIPOLAR_ERROR and in_front >= MIN_IN_FRONT:
        return None
    return (
        f"it does not explain the images (points miss their epipolar lines by {epipolar:.0%} of "
        f"their parallax, {in_front:.0%} of them lie in front of the camera): its frame, the "
        "extrinsics or its timestamps are wrong"
    )


def inverse_depths(a: View, b: View, matches: Matches, T_b_a: Array) -> tuple[Array, Array]:
    """Return the inverse depth w [N] 1/m of each point in image a, and its certainty |y × t|² [N].

    R x + w t is parallel to y, so w (y × t) = -(y × R x), solved by least squares. Near the epipole
    y × t vanishes and w is unknown.
    """
    y = rays(matches.b, b.camera.K)
    turned = np.cross(y, rays(matches.a, a.camera.K) @ T_b_a[:3, :3].T)
    moved = np.cross(y, np.broadcast_to(T_b_a[:3, 3], y.shape))
    strength = (moved**2).sum(1)
    inverse_depth: Array = -(turned * moved).sum(1) / np.maximum(strength, 1e-18)
    return inverse_depth, strength


def relative_baseline(a: View, b: View, matches: Matches, T_b_a: Array) -> float:
    """Return the translation of the camera divided by the depth of the scene.

    The median of inverse depth is used instead of depth, because it does not depend on the number
    of points that are too far away to move visibly.
    """
    distance = float(np.linalg.norm(T_b_a[:3, 3]))
    if len(matches.a) < MIN_POINTS or distance < 1e-4:
        return 0.0
    inverse_depth, strength = inverse_depths(a, b, matches, T_b_a)
    known = strength >= np.percentile(strength, 25)
    return max(0.0, distance * float(np.median(inverse_depth[known])))


def chain(transforms: Mapping[tuple[str, str], Array], target: str, source: str) -> Array | None:
    """Return T_target_source [4,4] through fixed transforms {(parent, child): T_parent_child}.

    Returns None if no chain of transforms connects the two frames.
    """
    reached = {target: np.eye(4)}
    edge = [target]
    while edge:
        frame = edge.pop()
        for (parent, child), T in transforms.items():
            for here, there, step in ((parent, child, T), (child, parent, inverse(T))):
                if here == frame and there not in reached:
                    reached[there] = reached[frame] @ step
                    edge.append(there)
    return reached.get(source)
