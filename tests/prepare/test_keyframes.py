# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from helpers.corridor import CAMERA, look, pose

from jasmine_core.errors import ConfigError
from jasmine_core.geometry.rigid import inverse
from jasmine_core.prepare.keyframes import Selection, Status, Step, Verdict, judge
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
    selection = Selection(RULES, between)
    gains = gains or [1.0] * len(poses)
    steps = [
        selection.offer(stamp, view(T, gain))
        for stamp, T, gain in zip(stamps, poses, gains, strict=True)
    ]
    return selection, [step.status for step in steps]


@pytest.mark.parametrize("known", [False, True])
def test_a_steady_drive_gives_every_inner_image_both_neighbours(known):
    selection, statuses = select([pose(0.25 * i) for i in range(8)], known=known)
    assert statuses == [Status.START] + [Status.KEPT] * 7
    for i, kept in enumerate(selection.kept):
        assert (kept.before.first if kept.before else None) == (i - 1 if i else None)
        assert (kept.after.second if kept.after else None) == (i + 1 if i < 7 else None)


def test_neighbours_are_chosen_by_motion_not_by_index():
    speeds = [0.05] * 12 + [0.25] * 6  # the robot crawls, then drives
    places = np.cumsum(speeds)
    selection, statuses = select([pose(z) for z in places])
    kept = [
        z
        for z, status in zip(places, statuses, strict=True)
        if status in (Status.START, Status.KEPT)
    ]
    gaps = [
        (kept[pair.second] - kept[pair.first], pair.second - pair.first)
        for k in selection.kept
        for pair in (k.before,)
        if pair
    ]
    assert all(0.1 < metres < 0.6 for metres, _ in gaps)
    assert {frames for _, frames in gaps} > {1}  # one image apart when fast, more when slow


def test_standing_still_is_dropped_and_the_drive_goes_on_behind_it():
    poses = [pose(0.25 * min(i, 3) + 0.25 * max(0, i - 13)) for i in range(18)]
    selection, statuses = select(poses)
    assert statuses[4:14] == [Status.STILL] * 10
    assert {k.segment for k in selection.kept} == {0}


@pytest.mark.parametrize("known", [False, True])
def test_turning_on_the_spot_is_kept_but_finds_no_neighbour(known):
    selection, statuses = select([pose(yaw=0.03 * i) for i in range(8)], known=known)
    assert statuses[1:] == [Status.KEPT] * 7
    assert not any(k.before or k.after for k in selection.kept)
    assert all(k.turned for k in selection.kept[1:])


def test_segments_part_at_cuts_gaps_and_exposure_jumps():
    drive = [pose(0.25 * i) for i in range(3)]
    elsewhere = [pose(60.0 + 0.25 * i, x=1.2, yaw=0.9) for i in range(3)]
    _, statuses = select(drive + elsewhere)
    assert statuses[3] is Status.CUT

    stamps = [0, STEP, 2 * STEP, 50 * STEP, 51 * STEP]
    selection, statuses = select([pose(0.25 * i) for i in range(5)], stamps)
    assert statuses[3] is Status.GAP
    assert [k.segment for k in selection.kept] == [0, 0, 0, 1, 1]

    selection, statuses = select([pose(0.25 * i) for i in range(6)], gains=[1, 1, 1, 0.6, 0.6, 0.6])
    assert statuses[3] is Status.EXPOSED
    pairs = [k.before for k in selection.kept if k.before]
    assert all((pair.first < 3) == (pair.second < 3) for pair in pairs)


def test_images_out_of_order_and_blank_ones_leave_no_trace():
    stamps = [0, STEP, STEP, STEP // 2, 2 * STEP]
    poses = [pose(0), pose(0.25), pose(0.3), pose(0.1), pose(0.5)]
    selection, statuses = select(poses, stamps)
    assert statuses == [
        Status.START,
        Status.KEPT,
        Status.BACKWARDS,
        Status.BACKWARDS,
        Status.KEPT,
    ]
    assert [k.stamp for k in selection.kept] == [0, STEP, 2 * STEP]

    selection = Selection(RULES)
    dark = view_of(np.zeros((96, 160, 3), np.uint8), CAMERA)
    statuses = [
        selection.offer(i * STEP, v).status
        for i, v in enumerate([dark, view(pose()), dark, view(pose(0.25))])
    ]
    assert statuses == [Status.BLANK, Status.START, Status.BLANK, Status.KEPT]


@pytest.mark.parametrize(
    ("motion", "baseline", "verdict"),
    [
        (PairMotion(0.9, flow=0.05, parallax=0.03), None, Verdict.GOOD),
        (PairMotion(0.9, flow=0.05, parallax=0.005), None, Verdict.TURN),
        (PairMotion(0.9, flow=0.015, parallax=0.015), None, Verdict.NEAR),
        (PairMotion(0.9, flow=0.2, parallax=0.1), None, Verdict.FAR),
        (PairMotion(0.4, flow=0.05, parallax=0.03), None, Verdict.FAR),
        (PairMotion(0.9, gain=1.4, flow=0.05, parallax=0.03), None, Verdict.EXPOSURE),
        (PairMotion(0.9, gain=0.7, flow=0.05, parallax=0.03), None, Verdict.EXPOSURE),
        (PairMotion(0.9, flow=0.01, parallax=0.01), 0.03, Verdict.GOOD),
        (PairMotion(0.9, flow=0.05, parallax=0.03), 0.0, Verdict.TURN),
        (PairMotion(0.9, flow=0.05, parallax=0.03), 0.3, Verdict.FAR),
    ],
)
def test_pairs_are_judged_by_the_rules(motion, baseline, verdict):
    assert judge(motion, RULES, baseline) is verdict


def test_a_selection_that_learns_from_records_goes_on_as_the_first_would():
    poses = [pose(0.1 * i, yaw=0.002 * i) for i in range(14)]
    first = Selection(RULES)
    steps = [first.offer(i * STEP, view(T)) for i, T in enumerate(poses)]
    for cut in (1, 5, 13):
        second = Selection(RULES)
        for i, step in enumerate(steps[:cut]):
            second.learn(i * STEP, Step.of_record(step.record(), len(second.kept)))
        for index in second.needed():
            second.remember(index, view(poses[second.kept[index].stamp // STEP]))
        rest = [second.offer(i * STEP, view(T)) for i, T in enumerate(poses) if i >= cut]
        assert rest == steps[cut:]
        assert second.kept == first.kept


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
def test_rules_that_allow_nothing_are_refused(rules):
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
def test_options_that_make_no_image_are_refused(options, named):
    with pytest.raises(ConfigError, match=named):
        PrepareOptions(**options)
