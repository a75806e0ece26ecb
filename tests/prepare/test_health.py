# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest
from helpers.corridor import CAMERA

from jasmine_core.dataset.sequence import VERSION, FrameRecord, Index, SampleRecord
from jasmine_core.geometry.camera import Camera
from jasmine_core.prepare.health import examine
from jasmine_core.prepare.health_findings import nothing_to_learn
from jasmine_core.prepare.health_plot import draw
from jasmine_core.prepare.keyframes import Selection, Status, Step
from jasmine_core.prepare.optical_flow import PairMotion
from jasmine_core.prepare.options import NeighbourRules
from jasmine_core.prepare.statistics import OdometryFacts, RecordingStatistics

STEP = 100_000_000  # [ns]
START = 1_600_000_000_000_000_000
MOTION = PairMotion(0.9, flow=0.04, parallax=0.03)


def statistics_of(statuses, stamps=None, sharp=20.0, bright=120.0, turned=False):
    statistics, selection = RecordingStatistics(), Selection(NeighbourRules())
    stamps = stamps or [START + i * STEP for i in range(len(statuses))]
    sharp = [sharp] * len(statuses) if isinstance(sharp, float) else sharp
    for at, status, sharpness in zip(stamps, statuses, sharp, strict=True):
        step = Step(status, MOTION, turned=turned)
        selection.learn(at, step)
        record = {"stamp": at, "sharpness": sharpness, "brightness": bright, **step.record()}
        statistics.add(record | ({"reason": "/camera: cut"} if status is Status.DAMAGED else {}))
    return statistics, selection


def index_of(count, camera=CAMERA, metres=None):
    frames = [FrameRecord(START + i * STEP, 0, f"images/{i}.jpg") for i in range(count)]
    T = None if metres is None else [0.0, 0, metres, 0, 0, 0, 1]
    samples = [
        SampleRecord(i, (i - 1, i + 1), (0.04, 0.04), (0.03, 0.03), (T, T))
        for i in range(1, count - 1)
    ]
    K, (width, height) = camera.K.tolist(), camera.size
    return Index(
        VERSION, {"bag": "drive"}, {}, width, height, K, metres is not None, frames, samples
    )


def report(statuses, index=None, facts=None, **kind):
    statistics, selection = statistics_of(statuses, **kind)
    return examine(
        index or index_of(len(statuses)), statistics, selection, facts or OdometryFacts()
    )


def said(health, level=None):
    return " | ".join(f["text"] for f in health["findings"] if level in (None, f["level"]))


KEPT = [Status.START] + [Status.KEPT] * 299


def test_a_good_recording_is_called_good():
    facts = OdometryFacts("/odom", 300, 0, None, 12)
    health = report(KEPT, index_of(300, metres=0.5), facts)
    assert health["verdict"] == "good"
    assert health["time"] == {
        "seconds": 29.9,
        "rate_hz": 10.0,
        "lost_images": 0,
        "longest_gap_s": 0.1,
    }
    assert health["motion"]["metres_between_neighbours"]["median"] == 0.5
    assert health["metric_scale_can_be_learned"]
    assert "metric scale can be learned from /odom (checked against 12 pairs" in said(health)


def test_standing_still_is_counted_in_seconds():
    statuses = KEPT[:100] + [Status.STILL] * 100 + [Status.KEPT] * 100
    health = report(statuses)
    assert health["still"] == {
        "stretches": 1,
        "seconds": 9.9,
        "share_of_time": pytest.approx(0.331, abs=0.001),
        "images_dropped": 100,
    }
    assert "100 images were dropped" in said(health) and "9.9 s in all (33%" in said(health)


def test_single_dropped_images_are_no_standing_still():
    health = report([Status.START] + [Status.STILL, Status.KEPT] * 150)
    assert health["still"]["stretches"] == 0 and health["still"]["images_dropped"] == 150


def test_lost_images_and_gaps_are_found_at_any_rate():
    stamps = [START + (i + 30 * (i >= 150)) * STEP for i in range(300)]
    health = report(KEPT, stamps=stamps)
    assert health["time"]["lost_images"] == 30
    assert health["time"]["longest_gap_s"] == 3.1
    assert "30 images seem lost (longest gap 3.1 s)" in said(health, "warning")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ({"sharp": [20.0] * 200 + [3.0] * 100}, "33% of the images are blurred"),
        ({"bright": 5.0}, "very dark or very bright"),
        ({"bright": 250.0}, "very dark or very bright"),
    ],
)
def test_bad_images_are_a_warning(kind, words):
    health = report(KEPT, **kind)
    assert words in said(health, "warning") and health["verdict"] == "usable"


@pytest.mark.parametrize(
    ("K", "words"),
    [
        ([[2000, 0, 79.5], [0, 2000, 47.5], [0, 0, 1]], "field of view of 5 deg"),
        ([[110, 0, 300], [0, 110, 47.5], [0, 0, 1]], "cx lies at"),
        ([[110, 0, 79.5], [0, 110, 5], [0, 0, 1]], "cy lies at"),
        ([[110, 0, 79.5], [0, 30, 47.5], [0, 0, 1]], "differ widely"),
    ],
)
def test_intrinsics_of_another_image_are_a_problem(K, words):
    health = report(KEPT, index_of(300, Camera(160, 96, np.array(K, float))))
    assert words in said(health, "problem") and health["verdict"] == "poor"


def test_plausible_intrinsics_are_described():
    intrinsics = report(KEPT)["intrinsics"]
    assert intrinsics["horizontal_fov_deg"] == pytest.approx(
        2 * np.degrees(np.arctan(80 / 110)), 1e-4
    )
    assert intrinsics["principal_point_share"] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("facts", "level", "words"),
    [
        (OdometryFacts(), "note", "the bag has no odometry; record odometry and /tf_static"),
        (
            OdometryFacts("/odom", 9, 0, "no transform leads from 'base' to the camera's 'cam'"),
            "warning",
            "'cam'; record /tf_static",
        ),
        (OdometryFacts("/odom", 90, 7, "it jumps 7 times in 90 samples"), "warning", "7 times"),
    ],
)
def test_why_there_are_no_metres_is_said(facts, level, words):
    health = report(KEPT, facts=facts)
    assert not health["metric_scale_can_be_learned"]
    assert words in said(health, level)


def test_few_samples_turning_breaks_and_clocks_are_said():
    statuses = [
        *([Status.START] + [Status.KEPT] * 60),
        Status.CUT,
        Status.GAP,
        *([Status.EXPOSED] * 3),
        Status.BACKWARDS,
        Status.BLANK,
        Status.DAMAGED,
    ]
    health = report(statuses, index_of(20), turned=True)
    text = said(health)
    for words in (
        "only 18 samples",
        "5 breaks (1 cuts or jerks, 1 gaps, 3 exposure jumps)",
        "1 images are stamped before",
        "1 images show nothing",
        "/camera: cut",
        "only turn",
        "fix exposure and gain",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("statuses", "turned", "words"),
    [
        ([Status.START], False, "there are 1"),
        ([Status.START] + [Status.STILL] * 9, False, "stands still in 9 of 10"),
        ([Status.START] + [Status.KEPT] * 9, True, "only turns"),
        ([Status.BLANK] * 9, False, "nothing that can be tracked"),
        ([Status.DAMAGED] * 9, False, "9 of 9 images cannot be used: /camera: cut"),
        (
            [Status.START] + [Status.BACKWARDS] * 9,
            False,
            "9 of 10 images are stamped before",
        ),
        ([Status.START] + [Status.CUT] * 9, False, "9 cuts, gaps or exposure jumps"),
    ],
)
def test_why_there_is_nothing_to_learn_is_one_line(statuses, turned, words):
    statistics, selection = statistics_of(statuses, turned=turned)
    line = nothing_to_learn(statistics, selection)
    assert words in line and "\n" not in line


def test_the_image_shows_words_plots_and_samples(tmp_path):
    import cv2

    (tmp_path / "images").mkdir()
    for i in range(12):
        shade = np.full((96, 160, 3), (10, 20, 200), np.uint8)  # blue, green, red
        cv2.imwrite(str(tmp_path / f"images/{i}.jpg"), shade)
    statuses = [*KEPT[:11], Status.STILL]
    statistics, selection = statistics_of(statuses)
    index = index_of(12, metres=0.4)
    facts = OdometryFacts("/odom", 12, 0, None, 3)
    page = draw(examine(index, statistics, selection, facts), statistics, index, tmp_path)
    assert page.dtype == np.uint8 and page.shape[2] == 3 and page.shape[0] > 800
    red = (page[..., 0] > 180) & (page[..., 1] < 60) & (page[..., 2] < 60)
    assert np.count_nonzero(red) > 9 * 96 * 160  # three samples of three images, in RGB
    assert page.min() < 60  # letters
