# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which images are kept, and which two neighbours teach the depth of each: by motion, not index.

An image is kept once the camera moved visibly since the last one that was kept. Its neighbours are
the closest kept images before and after it (of those `BACK` away) that are far enough:

    with odometry      the camera moved by `min_baseline` times the depth of the scene
    without            parallax reached `min_parallax` and flow `min_flow`, shares of the width

and that are not too far: beyond `max_baseline`, `max_flow`, `min_overlap` or `max_interval` there
is too little left to compare. Images of different exposure are never neighbours, nor are images
on either side of a cut or a long gap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from jasmine_core.geometry.rigid import Array
from jasmine_core.prepare.odometry import relative_baseline
from jasmine_core.prepare.optical_flow import FEWEST_POINTS, PairMotion, View, match, pair_motion
from jasmine_core.prepare.options import NeighbourRules

Poses = Callable[[int, int], Array | None]  # (target, source) [ns] to T_target_source, if known

BACK = (1, 2, 3, 4, 6, 8, 11, 15)  # how many kept images ago neighbours are looked for
WINDOW = BACK[-1]
STILL_MEDIAN, STILL_FLOW = 0.001, 0.01  # shares of the width below which nothing has moved
_LOST = 0.25  # overlap below which two images in a row show different scenes


class Verdict(str, Enum):
    """Judge a pair of images."""

    GOOD = "good"
    NEAR = "near"  # too little motion
    TURN = "turn"  # motion, but hardly more than rotation
    FAR = "far"  # too much motion
    EXPOSURE = "exposure"


class Status(str, Enum):
    """Say what became of an image."""

    KEPT = "kept"
    START = "start"  # kept, as the first one
    CUT = "cut"  # kept; shows another scene than the one before, or moved too far to compare
    GAP = "gap"  # kept; no images came for a long time
    EXPOSED = "exposed"  # kept; exposure jumped
    STILL = "still"  # dropped: nothing moved since the last kept one
    BLANK = "blank"  # dropped: too little texture to compare
    BACKWARDS = "backwards"  # dropped: stamped before the one before it
    DAMAGED = "damaged"  # dropped: could not be read


BREAKS = (Status.START, Status.CUT, Status.GAP, Status.EXPOSED)
DROPPED = (Status.STILL, Status.BLANK, Status.BACKWARDS, Status.DAMAGED)


@dataclass(frozen=True)
class Pair:
    """Measure two neighbours, `first` before `second` (indices of kept images)."""

    first: int
    second: int
    flow: float  # see PairMotion
    parallax: float
    overlap: float
    baseline: float | None = None  # translation over the depth of the scene, with odometry


def judge(motion: PairMotion, rules: NeighbourRules, baseline: float | None = None) -> Verdict:
    """Judge a pair; `baseline`, translation over depth of the scene, is known with odometry."""
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
    return Verdict.TURN if motion.flow >= rules.min_flow else Verdict.NEAR


@dataclass
class Kept:
    """Remember a kept image and its neighbours (indices of kept images)."""

    stamp: int
    segment: int
    before: Pair | None = None
    after: Pair | None = None
    turned: bool = False  # no neighbour before it because the camera only turned


@dataclass(frozen=True)
class Step:
    """Tell what the selection made of one image."""

    status: Status
    motion: PairMotion  # since the last kept image
    pairs: tuple[Pair, ...] = ()  # with those before it that are its neighbours
    turned: bool = False  # there are none because the camera only turned

    def record(self) -> dict[str, Any]:
        """Return the step as JSON, exactly."""
        m = self.motion
        return {
            "status": self.status.value,
            "motion": [m.overlap, m.gain, m.median_flow, m.flow, m.parallax, m.turn],
            "pairs": [[p.first, p.flow, p.parallax, p.overlap, p.baseline] for p in self.pairs],
            "turned": self.turned,
        }

    @staticmethod
    def of_record(record: dict[str, Any], second: int) -> Step:
        """Return the step of a record; `second` is the index that its image has if kept."""
        pairs = tuple(Pair(first, second, *measures) for first, *measures in record["pairs"])
        motion = PairMotion(*record["motion"])
        return Step(Status(record["status"]), motion, pairs, record["turned"])


class Selection:
    """Decide image by image what is kept, and find the neighbours.

    `poses` gives T_target_source between two stamps, or None.
    """

    def __init__(self, rules: NeighbourRules, poses: Poses | None = None) -> None:
        self.rules = rules
        self.kept: list[Kept] = []
        self.latest: int | None = None  # [ns] stamp of the last image that was not out of order
        self._poses = poses
        self._views: deque[tuple[int, View]] = deque(maxlen=WINDOW)

    def offer(self, stamp: int, view: View) -> Step:
        """Decide on the next image."""
        if self.latest is not None and stamp <= self.latest:
            return Step(Status.BACKWARDS, PairMotion(0.0))
        status, motion, first = self._compare_with_last(stamp, view)
        pairs: tuple[Pair, ...] = ()
        turned = False
        if status is Status.KEPT:
            pairs, turned = self._find_neighbours(stamp, view, first)
        step = Step(status, motion, pairs, turned)
        self.learn(stamp, step)
        if status not in DROPPED:
            self.remember(len(self.kept) - 1, view)
        return step

    def learn(self, stamp: int, step: Step) -> None:
        """Take over a decision, the one just made or one of an earlier run."""
        if step.status in (Status.BACKWARDS, Status.DAMAGED):
            return
        self.latest = stamp
        if step.status in DROPPED:
            return
        last = self.kept[-1].segment if self.kept else -1
        self.kept.append(Kept(stamp, last + (step.status in BREAKS), turned=step.turned))
        for pair in step.pairs:
            first, second = self.kept[pair.first], self.kept[pair.second]
            second.before = second.before or pair
            first.after = first.after or pair

    def remember(self, index: int, view: View) -> None:
        """Keep the view of a kept image at hand for those to come."""
        if self._views and self.kept[self._views[-1][0]].segment != self.kept[index].segment:
            self._views.clear()
        self._views.append((index, view))

    def needed(self) -> list[int]:
        """Return the kept images whose views the next decision may ask for."""
        if not self.kept:
            return []
        segment = self.kept[-1].segment
        recent = range(max(0, len(self.kept) - WINDOW), len(self.kept))
        return [i for i in recent if self.kept[i].segment == segment]

    def _compare_with_last(self, stamp: int, view: View) -> tuple[Status, PairMotion, _Measured]:
        if not self._views or self.latest is None:
            enough = len(view.points) >= FEWEST_POINTS
            return Status.START if enough else Status.BLANK, _NOTHING.motion, _NOTHING
        if stamp - self.latest > self.rules.max_interval * 1e9:
            return Status.GAP, _NOTHING.motion, _NOTHING
        index, last = self._views[-1]
        measured = self._measure(index, last, stamp, view)
        motion = measured.motion
        if motion.overlap < _LOST:
            status = Status.CUT if len(view.points) >= FEWEST_POINTS else Status.BLANK
        elif not 1 / self.rules.max_gain <= motion.gain <= self.rules.max_gain:
            status = Status.EXPOSED
        elif motion.median_flow < STILL_MEDIAN or motion.flow < STILL_FLOW:
            status = Status.STILL
        else:
            status = Status.KEPT
        return status, motion, measured

    def _find_neighbours(
        self, stamp: int, view: View, last: _Measured
    ) -> tuple[tuple[Pair, ...], bool]:
        """Walk back from the new image until it and those before it have their neighbours."""
        pairs: list[Pair] = []
        verdicts = set()
        for index, other in (self._views[-n] for n in BACK if n <= len(self._views)):
            kept = self.kept[index]
            if pairs and kept.after:
                break  # what lies further back has its neighbour too
            if stamp - kept.stamp > self.rules.max_interval * 1e9:
                break
            newest = index == len(self.kept) - 1
            motion, baseline = last if newest else self._measure(index, other, stamp, view)
            verdict = judge(motion, self.rules, baseline)
            verdicts.add(verdict)
            if verdict is Verdict.FAR:
                break
            if verdict is Verdict.GOOD:
                second = len(self.kept)
                pairs.append(
                    Pair(index, second, motion.flow, motion.parallax, motion.overlap, baseline)
                )
        return tuple(pairs), Verdict.TURN in verdicts and not pairs

    def _measure(self, index: int, a: View, stamp: int, b: View) -> _Measured:
        matches = match(a, b)
        T_b_a = self._poses(stamp, self.kept[index].stamp) if self._poses else None
        if T_b_a is None:
            return _Measured(pair_motion(a, b, matches), None)
        baseline = round(relative_baseline(a, b, matches, T_b_a), 6)
        return _Measured(pair_motion(a, b, matches, T_b_a[:3, :3]), baseline)


class _Measured(NamedTuple):
    motion: PairMotion
    baseline: float | None


_NOTHING = _Measured(PairMotion(0.0), None)
