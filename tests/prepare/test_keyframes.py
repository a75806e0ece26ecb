# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from helpers.corridor import CAMERA, look, pose

from jasmine_core.errors import ConfigError
from jasmine_core.geometry.rigid import inverse
from jasmine_core.prepare.keyframes import Decision, KeyframeSelector, Status, Verdict, judge
from jasmine_core.prepare.optical_flow import PairMotion, view_of
from jasmine_core.prepare.options import NeighbourRules, PrepareOptions

STEP = 100_000_000  # [ns]
RULES = NeighbourRules()


def view(T, gain=1.0):
    return view_of(look(T, gain=gain)[0], CAMERA)


def select(poses, stamps=None, gains=None, known=False):
    stamps = stamps or [i * STEP for i in range(len(poses))]
    place = dict(zip(stamps, poses, strict=True))
    between = (lambda target, source: inverse(place[target]) @ place[source]) if known else None
    selector = KeyframeSelector(RULES, between)
    gains = gains or [1.0] * len(poses)
    steps = [
        selector.offer(stamp, view(T, gain))
        for stamp, T, gain in zip(stamps, poses, gains, strict=True)
    ]
    return selector, [step.status for step in steps]


@pytest.mark.parametrize("known", [False, True])
def test_every_inner_image_of_steady_motion_has_both_neighbours(known):
    selector, statuses = select([pose(0.25 * i) for i in range(8)], known=known)
    assert statuses == [Status.START] + [Status.KEYFRAME] * 7
    for i, k in enumerate(selector.keyframes):
        assert (k.before.first if k.before else None) == (i - 1 if i else None)
        assert (k.after.second if k.after else None) == (i + 1 if i < 7 else None)


def test_neighbours_are_chosen_by_motion_not_by_index():
    speeds = [0.05] * 12 + [0.25] * 6  # The robot is slow, then fast.
    places = np.cumsum(speeds)
    selector, statuses = select([pose(z) for z in places])
    stored = [
        z
        for z, status in zip(places, statuses, strict=True)
        if status in (Status.START, Status.KEYFRAME)
    ]
    gaps = [
        (stored[pair.second] - stored[pair.first], pair.second - pair.first)
        for k in selector.keyframes
        for pair in (k.before,)
        if pair
    ]
    assert all(0.1 < metres < 0.6 for metres, _ in gaps)
    assert {frames for _, frames in gaps} > {1}  # one image apart when fast, more when slow


def test_images_without_motion_are_dropped_and_the_segment_continues():
    poses = [pose(0.25 * min(i, 3) + 0.25 * max(0, i - 13)) for i in range(18)]
    selector, statuses = select(poses)
    assert statuses[4:14] == [Status.STILL] * 10
    assert {k.segment for k in selector.keyframes} == {0}


@pytest.mark.parametrize("known", [False, True])
def test_pure_rotation_gives_keyframes_without_neighbours(known):
    selector, statuses = select([pose(yaw=0.03 * i) for i in range(8)], known=known)
    assert statuses[1:] == [Status.KEYFRAME] * 7
    assert not any(k.before or k.after for k in selector.keyframes)
    assert all(k.only_rotated for k in selector.keyframes[1:])


def test_cuts_gaps_and_exposure_jumps_begin_a_new_segment():
    drive = [pose(0.25 * i) for i in range(3)]
    elsewhere = [pose(60.0 + 0.25 * i, x=1.2, yaw=0.9) for i in range(3)]
    _, statuses = select(drive + elsewhere)
    assert statuses[3] is Status.CUT

    stamps = [0, STEP, 2 * STEP, 50 * STEP, 51 * STEP]
    selector, statuses = select([pose(0.25 * i) for i in range(5)], stamps)
    assert statuses[3] is Status.GAP
    assert [k.segment for k in selector.keyframes] == [0, 0, 0, 1, 1]

    selector, statuses = select([pose(0.25 * i) for i in range(6)], gains=[1, 1, 1, 0.6, 0.6, 0.6])
    assert statuses[3] is Status.EXPOSURE
    pairs = [k.before for k in selector.keyframes if k.before]
    assert all((pair.first < 3) == (pair.second < 3) for pair in pairs)


def test_images_out_of_order_and_blank_images_change_nothing():
    stamps = [0, STEP, STEP, STEP // 2, 2 * STEP]
    poses = [pose(0), pose(0.25), pose(0.3), pose(0.1), pose(0.5)]
    selector, statuses = select(poses, stamps)
    assert statuses == [
        Status.START,
        Status.KEYFRAME,
        Status.OUT_OF_ORDER,
        Status.OUT_OF_ORDER,
        Status.KEYFRAME,
    ]
    assert [k.stamp for k in selector.keyframes] == [0, STEP, 2 * STEP]

    selector = KeyframeSelector(RULES)
    dark = view_of(np.zeros((96, 160, 3), np.uint8), CAMERA)
    statuses = [
        selector.offer(i * STEP, v).status
        for i, v in enumerate([dark, view(pose()), dark, view(pose(0.25))])
    ]
    assert statuses == [Status.BLANK, Status.START, Status.BLANK, Status.KEYFRAME]


@pytest.mark.parametrize(
    ("motion", "baseline", "verdict"),
    [
        (PairMotion(0.9, flow=0.05, parallax=0.03), None, Verdict.GOOD),
        (PairMotion(0.9, flow=0.05, parallax=0.005), None, Verdict.ROTATION),
        (PairMotion(0.9, flow=0.015, parallax=0.015), None, Verdict.NEAR),
        (PairMotion(0.9, flow=0.2, parallax=0.1), None, Verdict.FAR),
        (PairMotion(0.4, flow=0.05, parallax=0.03), None, Verdict.FAR),
        (PairMotion(0.9, gain=1.4, flow=0.05, parallax=0.03), None, Verdict.EXPOSURE),
        (PairMotion(0.9, gain=0.7, flow=0.05, parallax=0.03), None, Verdict.EXPOSURE),
        (PairMotion(0.9, flow=0.01, parallax=0.01), 0.03, Verdict.GOOD),
        (PairMotion(0.9, flow=0.05, parallax=0.03), 0.0, Verdict.ROTATION),
        (PairMotion(0.9, flow=0.05, parallax=0.03), 0.3, Verdict.FAR),
    ],
)
def test_verdict_follows_the_rules(motion, baseline, verdict):
    assert judge(motion, RULES, baseline) is verdict


def test_selector_continues_from_records_with_the_same_decisions():
    poses = [pose(0.1 * i, yaw=0.002 * i) for i in range(14)]
    first = KeyframeSelector(RULES)
    steps = [first.offer(i * STEP, view(T)) for i, T in enumerate(poses)]
    for cut in (1, 5, 13):
        second = KeyframeSelector(RULES)
        for i, step in enumerate(steps[:cut]):
            second.apply(i * STEP, Decision.of_record(step.record(), len(second.keyframes)))
        for index in second.needed_views():
            second.add_view(index, view(poses[second.keyframes[index].stamp // STEP]))
        rest = [second.offer(i * STEP, view(T)) for i, T in enumerate(poses) if i >= cut]
        assert rest == steps[cut:]
        assert second.keyframes == first.keyframes


@pytest.mark.parametrize(
    "rules",
    [
        {"min_baseline": 0.2},
        {"max_flow": 0.01},
        {"min_parallax": 0.0},
        {"min_overlap": 1.0},
        {"max_gain": 1.0},
        {"max_interval": 0.0},
    ],
)
def test_rules_without_any_valid_pair_are_refused(rules):
    with pytest.raises(ConfigError, match=next(iter(rules)).split("_")[1]):
        NeighbourRules(**rules)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"width": 640}, "both sides"),
        ({"width": 16, "height": 16}, "16x16"),
        ({"resize": "shrink"}, "stretch"),
        ({"image_format": "bmp"}, "png"),
        ({"quality": 0}, "1..100"),
    ],
)
def test_invalid_image_options_are_refused(options, named):
    with pytest.raises(ConfigError, match=named):
        PrepareOptions(**options)
