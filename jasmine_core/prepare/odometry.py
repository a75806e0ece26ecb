# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where a camera was, from a robot's odometry: metres for training, once they are credible."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np

from jasmine_core.geometry.rigid import Array, from_numbers, interpolate, inverse
from jasmine_core.prepare.optical_flow import FEWEST_POINTS, Matches, View, match, project, rays

LONGEST_GAP = 500_000_000  # [ns] between two samples that are still interpolated
MOST_JUMPS = 0.01  # share of the steps; more of them and no distance is believed
_JUMP_SPEED = 5.0  # times the speed before and after it, and ...
_JUMP_LENGTH = 0.2  # ... at least this far [m]
# Where pose, extrinsics, stamps and K agree, points miss their epipolar lines by a small part of
# their parallax: 0.03 on a car, 0.1 in a hand. Wrong axes make it 0.17 to 0.5.
MOST_EPIPOLAR = 0.15
_CLEAR = 4.0  # [px] of parallax that leave no doubt
LEAST_IN_FRONT = 0.75  # share of the points that must be triangulated in front of the camera


class Odometry:
    """Poses of a camera over time.

    `samples` are (stamp [ns], T_odom_child as seven numbers); `T_child_camera` [4,4] is fixed.
    """

    def __init__(
        self, samples: Iterable[tuple[int, tuple[float, ...]]], T_child_camera: Array
    ) -> None:
        ordered = dict(sorted(samples))
        self.stamps = list(ordered)
        self._numbers = np.array(list(ordered.values())).reshape(-1, 7)
        self._T_child_camera = T_child_camera
        self.jumps = _jumps(np.array(self.stamps, np.int64), self._numbers[:, :3])

    @property
    def jump_share(self) -> float:
        """Return how many steps from one sample to the next are jumps, 0..1."""
        return len(self.jumps) / max(1, len(self.stamps) - 1)

    def pose(self, stamp: int) -> Array | None:
        """Return T_odom_camera [4,4] at a time, None outside the samples or in a gap of them."""
        after = bisect_right(self.stamps, stamp)
        if after and self.stamps[after - 1] == stamp:
            return from_numbers(self._numbers[after - 1]) @ self._T_child_camera
        if after == 0 or after == len(self.stamps):
            return None
        start, stop = self.stamps[after - 1], self.stamps[after]
        if stop - start > LONGEST_GAP:
            return None
        share = (stamp - start) / (stop - start)
        a, b = (from_numbers(self._numbers[i]) for i in (after - 1, after))
        return interpolate(a, b, share) @ self._T_child_camera

    def between(self, target: int, source: int) -> Array | None:
        """Return T_target_source [4,4] of the camera at two times, None where it is not known."""
        first, last = sorted((target, source))
        if bisect_right(self.jumps, last) != bisect_right(self.jumps, first):
            return None
        T_odom_target, T_odom_source = self.pose(target), self.pose(source)
        if T_odom_target is None or T_odom_source is None:
            return None
        return inverse(T_odom_target) @ T_odom_source


def _jumps(stamps: Array, positions: Array) -> list[int]:
    """Return the stamps [ns] right after a jump: a step far beyond the steps around it."""
    if len(stamps) < 3:
        return []
    lengths = np.linalg.norm(np.diff(positions, axis=0), axis=1)  # [N-1] m
    speeds = lengths / np.maximum(np.diff(stamps) * 1e-9, 1e-3)
    around = np.pad(speeds, 1)
    usual = np.maximum(around[:-2], around[2:])
    jumps = (speeds > _JUMP_SPEED * usual) & (lengths > _JUMP_LENGTH)
    return [int(stamp) for stamp in stamps[1:][jumps]]


@dataclass(frozen=True)
class Agreement:
    """Say how well a known motion explains what two images show."""

    epipolar: float  # median distance of the points from their epipolar lines, share of parallax
    in_front: float  # share of the points that are triangulated in front of the camera
    parallax: float = 0.0  # [px] median of the points that were compared


def agreement(a: View, b: View, matches: Matches, T_b_a: Array) -> Agreement | None:
    """Compare a motion with two images; None if they show too little parallax to tell."""
    if len(matches.a) < FEWEST_POINTS or not np.linalg.norm(T_b_a[:3, 3]) > 1e-4:
        return None
    turned = project(rays(matches.a, a.camera.K) @ T_b_a[:3, :3].T, b.camera.K)
    parallax = np.linalg.norm(matches.b - turned, axis=1)  # [N] px
    clear = parallax > 1.0
    if np.count_nonzero(clear) < FEWEST_POINTS:
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
    """Compare an odometry with the first of some images and one that lies clearly elsewhere.

    `views` are images in a row with their stamps [ns]; no more are taken than are needed.
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
        if found is not None and found.parallax >= _CLEAR:
            break
    return found


def disbelief(agreements: Iterable[Agreement]) -> str | None:
    """Return why an odometry must not be believed, None if it may be or nobody can tell."""
    found = list(agreements)
    if len(found) < 3:
        return None
    epipolar = median(a.epipolar for a in found)
    in_front = median(a.in_front for a in found)
    if epipolar <= MOST_EPIPOLAR and in_front >= LEAST_IN_FRONT:
        return None
    return (
        f"it does not explain the images (points miss their epipolar lines by {epipolar:.0%} of "
        f"their parallax, {in_front:.0%} of them lie in front of the camera): its frame, the "
        "extrinsics or its stamps are wrong"
    )


def inverse_depths(a: View, b: View, matches: Matches, T_b_a: Array) -> tuple[Array, Array]:
    """Return the inverse depth [N] 1/m of each point in image a, and how well it is known [N].

    R x + w t is parallel to y, so w y × t = -y × R x, solved in the least squares. Near the epipole
    y × t vanishes and nothing is known.
    """
    y = rays(matches.b, b.camera.K)
    turned = np.cross(y, rays(matches.a, a.camera.K) @ T_b_a[:3, :3].T)
    moved = np.cross(y, np.broadcast_to(T_b_a[:3, 3], y.shape))
    strength = (moved**2).sum(1)
    inverse_depth: Array = -(turned * moved).sum(1) / np.maximum(strength, 1e-18)
    return inverse_depth, strength


def relative_baseline(a: View, b: View, matches: Matches, T_b_a: Array) -> float:
    """Return how far the camera moved relative to the depth of the scene.

    The median of inverse depth is taken, not of depth, for it does not depend on how many points
    are too far off to move visibly.
    """
    distance = float(np.linalg.norm(T_b_a[:3, 3]))
    if len(matches.a) < FEWEST_POINTS or distance < 1e-4:
        return 0.0
    inverse_depth, strength = inverse_depths(a, b, matches, T_b_a)
    known = strength >= np.percentile(strength, 25)
    return max(0.0, distance * float(np.median(inverse_depth[known])))


def chain(transforms: Mapping[tuple[str, str], Array], target: str, source: str) -> Array | None:
    """Return T_target_source through fixed transforms {(parent, child): T_parent_child}.

    None if no chain joins the two frames.
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
