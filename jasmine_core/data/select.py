# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which pictures are kept, and which two neighbours teach the depth of each: by motion, not by index.

A picture is kept once the camera moved visibly since the last one that was kept. Its neighbours are
the closest kept pictures before and after it that are far enough away:

    with odometry      the camera moved by `min_baseline` times the depth of the scene
    without            parallax reached `min_parallax` and flow `min_flow`, shares of the width

and that are not too far: beyond `max_baseline`, `max_flow`, `min_overlap` or `max_interval` there is
too little left to compare. Pictures of different exposure are never neighbours, nor are pictures on
either side of a cut or a long gap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from jasmine_core.data.motion import FEWEST_POINTS, PairMotion, View, match, pair_motion
from jasmine_core.data.odometry import scene_depth
from jasmine_core.errors import ConfigError
from jasmine_core.geometry.rigid import Array

WINDOW = 16  # kept pictures among which neighbours are looked for
STILL_MEDIAN, STILL_FLOW = 0.001, 0.01  # shares of the width below which nothing has moved
_LOST = 0.25  # overlap below which two pictures in a row show different scenes


@dataclass(frozen=True)
class NeighbourRules:
    """Say how far apart neighbours are."""

    min_baseline: float = 0.02  # translation over the depth of the scene, with odometry
    max_baseline: float = 0.15
    min_parallax: float = 0.01  # upper decile, share of the picture's width, without odometry
    min_flow: float = 0.02
    max_flow: float = 0.15
    min_overlap: float = 0.5  # share of the points seen in both
    max_gain: float = 1.25  # exposure of one over that of the other
    max_interval: float = 2.0  # [s] between neighbours

    def __post_init__(self) -> None:
        for low, high in ((self.min_baseline, self.max_baseline), (self.min_flow, self.max_flow)):
            if not 0 < low < high:
                raise ConfigError(f"range {low:g}..{high:g} of motion is empty; raise its end")
        if not (0 < self.min_overlap < 1 < self.max_gain and self.max_interval > 0):
            raise ConfigError(
                f"min_overlap {self.min_overlap:g}, max_gain {self.max_gain:g} and max_interval "
                f"{self.max_interval:g} s must lie in 0..1, above 1 and above 0"
            )


class Verdict(str, Enum):
    """Judge a pair of pictures."""

    GOOD = "good"
    NEAR = "near"  # too little motion
    TURN = "turn"  # motion, but hardly more than rotation
    FAR = "far"  # too much motion
    EXPOSURE = "exposure"


class Fate(str, Enum):
    """Say what became of a picture."""

    KEPT = "kept"
    START = "start"  # kept, as the first one
    CUT = "cut"  # kept; shows another scene than the one before, or moved too far to compare
    GAP = "gap"  # kept; no pictures came for a long time
    EXPOSED = "exposed"  # kept; exposure jumped
    STILL = "still"  # dropped: nothing moved since the last kept one
    BLANK = "blank"  # dropped: too little texture to compare
    BACKWARDS = "backwards"  # dropped: stamped before the one before it
    DAMAGED = "damaged"  # dropped: could not be read


BREAKS = (Fate.START, Fate.CUT, Fate.GAP, Fate.EXPOSED)
DROPPED = (Fate.STILL, Fate.BLANK, Fate.BACKWARDS, Fate.DAMAGED)


@dataclass(frozen=True)
class Pair:
    """Measure two kept pictures, `first` before `second` (indices of kept pictures)."""

    first: int
    second: int
    verdict: Verdict
    flow: float
    parallax: float
    overlap: float
    depth: float | None = None  # [m] median of the scene, with odometry


def judge(
    motion: PairMotion, rules: NeighbourRules, distance: float | None, depth: float | None
) -> Verdict:
    """Judge a pair; `distance` [m] and `depth` [m] are None without odometry."""
    if motion.overlap < rules.min_overlap or motion.flow > rules.max_flow:
        return Verdict.FAR
    if not 1 / rules.max_gain <= motion.gain <= rules.max_gain:
        return Verdict.EXPOSURE
    if distance is not None and depth is not None:
        baseline = distance / depth
        if baseline > rules.max_baseline:
            return Verdict.FAR
        enough = baseline >= rules.min_baseline
    else:
        enough = motion.parallax >= rules.min_parallax and motion.flow >= rules.min_flow
        # Odometry stands still while the picture moves: a lorry drives past, or the robot turns.
        enough = enough and (distance is None or distance > 0.01)
    if enough:
        return Verdict.GOOD
    return Verdict.TURN if motion.flow >= rules.min_flow else Verdict.NEAR


@dataclass
class Kept:
    """Remember a kept picture and its neighbours (indices of kept pictures)."""

    stamp: int
    segment: int
    before: Pair | None = None
    after: Pair | None = None
    turned: bool = False  # it has no neighbour before it because the camera only turned


@dataclass(frozen=True)
class Step:
    """Tell what the selection made of one picture."""

    fate: Fate
    motion: PairMotion  # since the last kept picture
    pairs: tuple[Pair, ...] = ()


class Selection:
    """Decide picture by picture what is kept, and find the neighbours.

    `poses` gives T_target_source between two stamps, or None.
    """

    def __init__(self, rules: NeighbourRules, poses: Poses | None = None) -> None:
        self.rules = rules
        self.kept: list[Kept] = []
        self.latest: int | None = None  # [ns] stamp of the last picture that was not out of order
        self._poses = poses
        self._views: deque[tuple[int, View]] = deque(maxlen=WINDOW)

    def offer(self, stamp: int, view: View) -> Step:
        """Decide on the next picture."""
        if self.latest is not None and stamp <= self.latest:
            return Step(Fate.BACKWARDS, PairMotion(0.0))
        fate, motion, first = self._compare_with_last(stamp, view)
        pairs = self._find_neighbours(stamp, view, first) if fate is Fate.KEPT else ()
        step = Step(fate, motion, pairs)
        self.learn(stamp, step)
        if fate not in DROPPED:
            self.remember(len(self.kept) - 1, view)
        return step

    def learn(self, stamp: int, step: Step) -> None:
        """Take over a decision, the one just made or one of an earlier run."""
        if step.fate in (Fate.BACKWARDS, Fate.DAMAGED):
            return
        self.latest = stamp
        if step.fate in DROPPED:
            return
        last = self.kept[-1].segment if self.kept else -1
        self.kept.append(Kept(stamp, last + (step.fate in BREAKS)))
        for pair in step.pairs:
            if pair.verdict is Verdict.GOOD:
                first, second = self.kept[pair.first], self.kept[pair.second]
                second.before = second.before or pair
                first.after = first.after or pair
        verdicts = {pair.verdict for pair in step.pairs}
        self.kept[-1].turned = Verdict.TURN in verdicts and Verdict.GOOD not in verdicts

    def remember(self, index: int, view: View) -> None:
        """Keep the view of a kept picture at hand for those to come."""
        if self._views and self.kept[self._views[-1][0]].segment != self.kept[index].segment:
            self._views.clear()
        self._views.append((index, view))

    def needed(self) -> list[int]:
        """Return the kept pictures whose views the next decision may ask for."""
        if not self.kept:
            return []
        segment = self.kept[-1].segment
        recent = range(max(0, len(self.kept) - WINDOW), len(self.kept))
        return [i for i in recent if self.kept[i].segment == segment]

    def _compare_with_last(self, stamp: int, view: View) -> tuple[Fate, PairMotion, Pair | None]:
        nothing = PairMotion(0.0)
        if not self._views or self.latest is None:
            enough = len(view.points) >= FEWEST_POINTS
            return Fate.START if enough else Fate.BLANK, nothing, None
        if stamp - self.latest > self.rules.max_interval * 1e9:
            return Fate.GAP, nothing, None
        index, last = self._views[-1]
        pair, motion = self._measure(index, last, stamp, view)
        if motion.overlap < _LOST:
            enough = len(view.points) >= FEWEST_POINTS
            return Fate.CUT if enough else Fate.BLANK, motion, None
        if not 1 / self.rules.max_gain <= motion.gain <= self.rules.max_gain:
            return Fate.EXPOSED, motion, None
        if motion.median_flow < STILL_MEDIAN or motion.flow < STILL_FLOW:
            return Fate.STILL, motion, None
        return Fate.KEPT, motion, pair

    def _find_neighbours(self, stamp: int, view: View, first: Pair | None) -> tuple[Pair, ...]:
        """Walk back from the new picture until it and those before it have their neighbours."""
        pairs = []
        found = False
        for index, other in reversed(self._views):
            kept = self.kept[index]
            if found and kept.after:
                break  # what lies further back has its neighbour too
            if stamp - kept.stamp > self.rules.max_interval * 1e9:
                break
            pair = first if first and first.first == index else None
            pair = pair or self._measure(index, other, stamp, view)[0]
            if pair.verdict is Verdict.FAR:
                break
            pairs.append(pair)
            found = found or pair.verdict is Verdict.GOOD
        return tuple(pairs)

    def _measure(self, index: int, a: View, stamp: int, b: View) -> tuple[Pair, PairMotion]:
        T_b_a: Array | None = None
        if self._poses is not None:
            T_b_a = self._poses(stamp, self.kept[index].stamp)
        matches = match(a, b)
        motion = pair_motion(a, b, matches, None if T_b_a is None else T_b_a[:3, :3])
        distance = depth = None
        if T_b_a is not None:
            distance = float(np.linalg.norm(T_b_a[:3, 3]))
            depth = scene_depth(a, b, matches, T_b_a)
        verdict = judge(motion, self.rules, distance, depth)
        pair = Pair(
            index, len(self.kept), verdict, motion.flow, motion.parallax, motion.overlap, depth
        )
        return pair, motion
