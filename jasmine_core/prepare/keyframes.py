# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Keyframes of a recording and their neighbours, selected by camera motion.

An image becomes a keyframe once the camera moved visibly since the last keyframe. Its neighbours
are the closest keyframes before and after it, at one of the `LOOK_BACK` distances, that are far
enough:

    with odometry      the camera moved by at least `min_baseline` times the depth of the scene
    without            parallax reached `min_parallax` and flow `min_flow`, shares of the width

and not too far: beyond `max_baseline`, `max_flow`, `min_overlap` or `max_interval` the two images
have too little in common. Images of different exposure are never neighbours, nor are images on
both sides of a cut or a long gap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from jasmine_core.geometry.rigid import Array
from jasmine_core.prepare.odometry import relative_baseline
from jasmine_core.prepare.optical_flow import MIN_POINTS, PairMotion, View, match, pair_motion
from jasmine_core.prepare.options import NeighbourRules

Poses = Callable[[int, int], Array | None]  # (target, source) [ns] to T_target_source, if known

LOOK_BACK = (1, 2, 3, 4, 6, 8, 11, 15)  # distances to candidate neighbours, in keyframes
WINDOW = LOOK_BACK[-1]
STILL_MEDIAN, STILL_FLOW = 0.001, 0.01  # shares of the width; less flow means no motion
_LOST = 0.25  # overlap below which two consecutive images show different scenes


class Verdict(str, Enum):
    """Suitability of two images as neighbours."""

    GOOD = "good"
    NEAR = "near"  # too little motion
    ROTATION = "rotation"  # motion, but almost no parallax
    FAR = "far"  # too much motion
    EXPOSURE = "exposure"  # different exposure


class Status(str, Enum):
    """Role of an image after keyframe selection."""

    KEYFRAME = "keyframe"
    START = "start"  # the first keyframe
    CUT = "cut"  # keyframe; shows another scene than the last one, or is too far from it
    GAP = "gap"  # keyframe; no image arrived for a long time before it
    EXPOSURE = "exposure"  # keyframe; the exposure jumped
    STILL = "still"  # dropped: no motion since the last keyframe
    BLANK = "blank"  # dropped: too little texture to track
    OUT_OF_ORDER = "out_of_order"  # dropped: its timestamp is not between those around it
    DAMAGED = "damaged"  # dropped: it cannot be read


BREAKS = (Status.START, Status.CUT, Status.GAP, Status.EXPOSURE)  # each begins a segment
DROPPED = (Status.STILL, Status.BLANK, Status.OUT_OF_ORDER, Status.DAMAGED)


@dataclass(frozen=True)
class Pair:
    """Two neighbours, `first` before `second` (indices of keyframes), and the motion between."""

    first: int
    second: int
    flow: float  # see PairMotion
    parallax: float
    overlap: float
    baseline: float | None = None  # translation over the depth of the scene, with odometry


def judge(motion: PairMotion, rules: NeighbourRules, baseline: float | None = None) -> Verdict:
    """Return whether two images can be neighbours.

    Args:
        motion: optical flow between the two images.
        rules: limits of motion, overlap and exposure.
        baseline: translation over the depth of the scene; None without odometry.
    """
    if motion.overlap < rules.min_overlap or motion.flow > rules.max_flow:
        return Verdict.FAR
    if not 1 / rules.max_gain <= motion.gain <= rules.max_gain:
        return Verdict.EXPOSURE
    if baseline is not None:
        if baseline > rules.max_baseline:
            return Verdict.FAR
        enough = baseline >= rules.min_baseline
    else:
        enough = motion.parallax >= rules.min_parallax and motion.flow >= rules.min_flow
    if enough:
        return Verdict.GOOD
    return Verdict.ROTATION if motion.flow >= rules.min_flow else Verdict.NEAR


@dataclass
class Keyframe:
    """A stored image and its neighbours."""

    stamp: int  # [ns]
    segment: int
    before: Pair | None = None
    after: Pair | None = None
    only_rotated: bool = False  # no neighbour before it because the camera only rotated


@dataclass(frozen=True)
class Decision:
    """Status of one image and the neighbours that it found."""

    status: Status
    motion: PairMotion  # since the last keyframe
    pairs: tuple[Pair, ...] = ()  # with its neighbours among the earlier keyframes
    only_rotated: bool = False  # no neighbour because the camera only rotated

    def record(self) -> dict[str, Any]:
        """Return the decision as JSON values, without rounding."""
        m = self.motion
        return {
            "status": self.status.value,
            "motion": [m.overlap, m.gain, m.median_flow, m.flow, m.parallax, m.rotation],
            "pairs": [[p.first, p.flow, p.parallax, p.overlap, p.baseline] for p in self.pairs],
            "only_rotated": self.only_rotated,
        }

    @staticmethod
    def of_record(record: dict[str, Any], second: int) -> Decision:
        """Return the decision of a record; `second` is the index of its image if a keyframe."""
        pairs = tuple(Pair(first, second, *measures) for first, *measures in record["pairs"])
        motion = PairMotion(*record["motion"])
        return Decision(Status(record["status"]), motion, pairs, record["only_rotated"])


class KeyframeSelector:
    """Select keyframes one image at a time and find their neighbours.

    Args:
        rules: distances between neighbours.
        poses: returns T_target_source [4,4] m between two timestamps [ns], or None.
    """

    def __init__(self, rules: NeighbourRules, poses: Poses | None = None) -> None:
        self.rules = rules
        self.keyframes: list[Keyframe] = []
        self.latest: int | None = None  # [ns] timestamp of the last readable image in order
        self._poses = poses
        self._views: deque[tuple[int, View]] = deque(maxlen=WINDOW)

    def offer(self, stamp: int, view: View) -> Decision:
        """Decide on the next image and apply the decision."""
        if self.latest is not None and stamp <= self.latest:
            return Decision(Status.OUT_OF_ORDER, PairMotion(0.0))
        status, motion, first = self._compare_with_last(stamp, view)
        pairs: tuple[Pair, ...] = ()
        only_rotated = False
        if status is Status.KEYFRAME:
            pairs, only_rotated = self._find_neighbours(stamp, view, first)
        decision = Decision(status, motion, pairs, only_rotated)
        self.apply(stamp, decision)
        if status not in DROPPED:
            self.add_view(len(self.keyframes) - 1, view)
        return decision

    def apply(self, stamp: int, decision: Decision) -> None:
        """Record a decision, either a new one or one of an interrupted run."""
        if decision.status in (Status.OUT_OF_ORDER, Status.DAMAGED):
            return
        self.latest = stamp
        if decision.status in DROPPED:
            return
        segment = (self.keyframes[-1].segment if self.keyframes else -1) + (
            decision.status in BREAKS
        )
        self.keyframes.append(Keyframe(stamp, segment, only_rotated=decision.only_rotated))
        for pair in decision.pairs:
            first, second = self.keyframes[pair.first], self.keyframes[pair.second]
            second.before = second.before or pair
            first.after = first.after or pair

    def add_view(self, index: int, view: View) -> None:
        """Store the view of a keyframe for comparison with later images."""
        last = self._views[-1][0] if self._views else index
        if self.keyframes[last].segment != self.keyframes[index].segment:
            self._views.clear()
        self._views.append((index, view))

    def needed_views(self) -> list[int]:
        """Return the indices of the keyframes whose views the next decision may use."""
        if not self.keyframes:
            return []
        segment = self.keyframes[-1].segment
        recent = range(max(0, len(self.keyframes) - WINDOW), len(self.keyframes))
        return [i for i in recent if self.keyframes[i].segment == segment]

    def _compare_with_last(self, stamp: int, view: View) -> tuple[Status, PairMotion, _Measured]:
        if not self._views or self.latest is None:
            enough = len(view.points) >= MIN_POINTS
            return Status.START if enough else Status.BLANK, _NOTHING.motion, _NOTHING
        if stamp - self.latest > self.rules.max_interval * 1e9:
            return Status.GAP, _NOTHING.motion, _NOTHING
        index, last = self._views[-1]
        measured = self._measure(index, last, stamp, view)
        motion = measured.motion
        if motion.overlap < _LOST:
            status = Status.CUT if len(view.points) >= MIN_POINTS else Status.BLANK
        elif not 1 / self.rules.max_gain <= motion.gain <= self.rules.max_gain:
            status = Status.EXPOSURE
        elif motion.median_flow < STILL_MEDIAN or motion.flow < STILL_FLOW:
            status = Status.STILL
        else:
            status = Status.KEYFRAME
        return status, motion, measured

    def _find_neighbours(
        self, stamp: int, view: View, last: _Measured
    ) -> tuple[tuple[Pair, ...], bool]:
        """Return the pairs of a new keyframe with earlier ones, and whether it only rotated.

        The search goes back until the new keyframe and the ones before it have a neighbour.
        """
        pairs: list[Pair] = []
        verdicts = set()
        for index, other in (self._views[-n] for n in LOOK_BACK if n <= len(self._views)):
            keyframe = self.keyframes[index]
            if pairs and keyframe.after:
                break  # All earlier keyframes have their neighbour too.
            if stamp - keyframe.stamp > self.rules.max_interval * 1e9:
                break
            newest = index == len(self.keyframes) - 1
            motion, baseline = last if newest else self._measure(index, other, stamp, view)
            verdict = judge(motion, self.rules, baseline)
            verdicts.add(verdict)
            if verdict is Verdict.FAR:
                break
            if verdict is Verdict.GOOD:
                second = len(self.keyframes)
                pairs.append(
                    Pair(index, second, motion.flow, motion.parallax, motion.overlap, baseline)
                )
        return tuple(pairs), Verdict.ROTATION in verdicts and not pairs

    def _measure(self, index: int, a: View, stamp: int, b: View) -> _Measured:
        matches = match(a, b)
        T_b_a = self._poses(stamp, self.keyframes[index].stamp) if self._poses else None
        if T_b_a is None:
            return _Measured(pair_motion(a, b, matches), None)
        baseline = round(relative_baseline(a, b, matches, T_b_a), 6)
        return _Measured(pair_motion(a, b, matches, T_b_a[:3, :3]), baseline)


class _Measured(NamedTuple):
    motion: PairMotion
    baseline: float | None


_NOTHING = _Measured(PairMotion(0.0), None)
