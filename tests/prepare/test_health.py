# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import cv2
import numpy as np
import pytest
from helpers.corridor import CAMERA

from jasmine_core.dataset.sequence import VERSION, FrameRecord, Index, SampleRecord
from jasmine_core.geometry.camera import Camera
from jasmine_core.prepare.health import examine
from jasmine_core.prepare.health_findings import ODOMETRY_REMEDIES, reason_without_samples
from jasmine_core.prepare.health_plot import WIDTH, draw_health
from jasmine_core.prepare.keyframes import Decision, KeyframeSelector, Status
from jasmine_core.prepare.optical_flow import PairMotion
from jasmine_core.prepare.options import NeighbourRules
from jasmine_core.prepare.statistics import OdometryFacts, OdometryProblem, RecordingStatistics

STEP = 100_000_000  # [ns]
START = 1_600_000_000_000_000_000
MOTION = PairMotion(0.9, flow=0.04, parallax=0.03)


def statistics_of(statuses, stamps=None, sharp=20.0, bright=120.0, only_rotated=False):
    statistics, selector = RecordingStatistics(), KeyframeSelector(NeighbourRules())
    stamps = stamps or [START + i * STEP for i in range(len(statuses))]
    sharp = [sharp] * len(statuses) if isinstance(sharp, float) else sharp
    for at, status, sharpness in zip(stamps, statuses, sharp, strict=True):
        decision = Decision(status, MOTION, only_rotated=only_rotated)
        selector.apply(at, decision)
        record = {"stamp": at, "sharpness": sharpness, "brightness": bright, **decision.record()}
        statistics.add(record | ({"reason": "/camera: cut"} if status is Status.DAMAGED else {}))
    return statistics, selector


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
    statistics, selector = statistics_of(statuses, **kind)
    return examine(index or index_of(len(statuses)), statistics, selector, facts or OdometryFacts())


def texts(health, level=None):
    return " | ".join(f["text"] for f in health["findings"] if level in (None, f["level"]))


KEYFRAMES = [Status.START] + [Status.KEYFRAME] * 299


def test_a_good_recording_is_called_good():
    facts = OdometryFacts("/odom", 300, 0, None, "", 12)
    health = report(KEYFRAMES, index_of(300, metres=0.5), facts)
    assert health["verdict"] == "good"
    assert health["time"] == {
        "seconds": 29.9,
        "rate_hz": 10.0,
        "lost_images": 0,
        "longest_gap_s": 0.1,
    }
    assert health["motion"]["metres_between_neighbours"]["median"] == 0.5
    assert health["metric_scale_can_be_learned"]
    assert "metric scale can be learned from /odom (validated on 12 pairs" in texts(health)


def test_time_without_motion_is_in_seconds():
    statuses = KEYFRAMES[:100] + [Status.STILL] * 100 + [Status.KEYFRAME] * 100
    health = report(statuses)
    assert health["still"] == {
        "periods": 1,
        "seconds": 9.9,
        "share_of_time": pytest.approx(0.331, abs=0.001),
        "images_dropped": 100,
    }
    assert "100 images were dropped" in texts(health) and "9.9 s in total (33%" in texts(health)


def test_single_dropped_images_are_not_a_period_without_motion():
    health = report([Status.START] + [Status.STILL, Status.KEYFRAME] * 150)
    assert health["still"]["periods"] == 0 and health["still"]["images_dropped"] == 150


def test_lost_images_and_gaps_are_found_at_any_rate():
    stamps = [START + (i + 30 * (i >= 150)) * STEP for i in range(300)]
    health = report(KEYFRAMES, stamps=stamps)
    assert health["time"]["lost_images"] == 30
    assert health["time"]["longest_gap_s"] == 3.1
    assert "30 images seem lost (longest gap 3.1 s)" in texts(health, "warning")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ({"sharp": [20.0] * 200 + [3.0] * 100}, "33% of the images are blurred"),
        ({"bright": 5.0}, "very dark or very bright"),
        ({"bright": 250.0}, "very dark or very bright"),
    ],
)
def test_bad_images_are_a_warning(kind, words):
    health = report(KEYFRAMES, **kind)
    assert words in texts(health, "warning") and health["verdict"] == "usable"


@pytest.mark.parametrize(
    ("K", "words"),
    [
        ([[2000, 0, 79.5], [0, 2000, 47.5], [0, 0, 1]], "field of view of 5 deg"),
        ([[110, 0, 300], [0, 110, 47.5], [0, 0, 1]], "cx is at"),
        ([[110, 0, 79.5], [0, 110, 5], [0, 0, 1]], "cy is at"),
        ([[110, 0, 79.5], [0, 30, 47.5], [0, 0, 1]], "differ by more than a factor of 2"),
    ],
)
def test_implausible_intrinsics_are_a_problem(K, words):
    health = report(KEYFRAMES, index_of(300, Camera(160, 96, np.array(K, float))))
    assert words in texts(health, "problem") and health["verdict"] == "poor"


def test_plausible_intrinsics_are_reported():
    intrinsics = report(KEYFRAMES)["intrinsics"]
    assert intrinsics["horizontal_fov_deg"] == pytest.approx(
        2 * np.degrees(np.arctan(80 / 110)), 1e-4
    )
    assert intrinsics["principal_point_share"] == [0.5, 0.5]


ODOMETRY_FINDINGS = {
    OdometryProblem.MISSING: (
        OdometryFacts(),
        "note",
        "no metric scale: the recording has no odometry; record odometry and /tf_static for metric "
        "scale",
    ),
    OdometryProblem.TOO_FEW_SAMPLES: (
        OdometryFacts("/odom", 1, 0, OdometryProblem.TOO_FEW_SAMPLES, "it has 1 usable samples"),
        "warning",
        "no metric scale from /odom: it has 1 usable samples; check the odometry topic, its frames "
        "and its rate",
    ),
    OdometryProblem.NO_TRANSFORM: (
        OdometryFacts("/odom", 9, 0, OdometryProblem.NO_TRANSFORM, "no transform leads to 'cam'"),
        "warning",
        "no metric scale from /odom: no transform leads to 'cam'; record /tf_static",
    ),
    OdometryProblem.JUMPS: (
        OdometryFacts("/odom", 90, 7, OdometryProblem.JUMPS, "it jumps 7 times in 90 samples"),
        "warning",
        "no metric scale from /odom: it jumps 7 times in 90 samples; record a continuous odometry "
        "(REP-105 odom frame), not a pose in map",
    ),
    OdometryProblem.OTHER_CLOCK: (
        OdometryFacts("/odom", 90, 0, OdometryProblem.OTHER_CLOCK, "its stamps are 9 s away"),
        "warning",
        "no metric scale from /odom: its stamps are 9 s away; synchronise the clocks, or stamp "
        "both with one clock",
    ),
    OdometryProblem.NOT_CHECKED: (
        OdometryFacts("/odom", 90, 0, OdometryProblem.NOT_CHECKED, "2 places are too few", 2),
        "warning",
        "no metric scale from /odom: 2 places are too few; record longer, with more translation "
        "and texture",
    ),
    OdometryProblem.CONTRADICTS_IMAGES: (
        OdometryFacts("/odom", 90, 0, OdometryProblem.CONTRADICTS_IMAGES, "it does not fit", 5),
        "warning",
        "no metric scale from /odom: it does not fit; check child_frame_id, /tf_static and the "
        "clocks",
    ),
    OdometryProblem.INCOMPLETE: (
        OdometryFacts("/odom", 90, 0, None, "", 5),
        "warning",
        "no metric scale from /odom: it covers less than half of the samples; record the odometry "
        "as long as the images, without gaps",
    ),
}


@pytest.mark.parametrize("problem", OdometryProblem)
def test_every_odometry_problem_has_its_own_remedy(problem):
    facts, level, text = ODOMETRY_FINDINGS[problem]
    health = report(KEYFRAMES, facts=facts)
    assert not health["metric_scale_can_be_learned"]
    assert health["odometry"]["problem"] == problem.value
    remedy = ODOMETRY_REMEDIES[problem]
    assert {"level": level, "text": text, "remedy": remedy} in health["findings"]
    assert len(set(ODOMETRY_REMEDIES.values())) == len(OdometryProblem)


def test_few_samples_rotation_breaks_and_clocks_are_findings():
    statuses = [
        *([Status.START] + [Status.KEYFRAME] * 60),
        Status.CUT,
        Status.GAP,
        *([Status.EXPOSURE] * 3),
        Status.OUT_OF_ORDER,
        Status.BLANK,
        Status.DAMAGED,
    ]
    health = report(statuses, index_of(20), only_rotated=True)
    text = texts(health)
    for words in (
        "only 18 samples",
        "5 breaks (1 cuts or jerks, 1 gaps, 3 exposure jumps)",
        "1 images were dropped because their timestamps",
        "1 images were dropped because they have no texture",
        "/camera: cut",
        "only rotate",
        "fix exposure and gain",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("statuses", "only_rotated", "words"),
    [
        ([Status.START], False, "has only 1"),
        ([Status.START] + [Status.STILL] * 9, False, "does not move in 9 of 10"),
        ([Status.START] + [Status.KEYFRAME] * 9, True, "only rotates"),
        ([Status.BLANK] * 9, False, "too little texture"),
        ([Status.DAMAGED] * 9, False, "9 of 9 images cannot be used: /camera: cut"),
        (
            [Status.START] + [Status.OUT_OF_ORDER] * 9,
            False,
            "timestamps of 9 of 10 images",
        ),
        ([Status.START] + [Status.CUT] * 9, False, "9 cuts, gaps or exposure jumps"),
    ],
)
def test_reason_without_samples_is_one_line(statuses, only_rotated, words):
    statistics, selector = statistics_of(statuses, only_rotated=only_rotated)
    line = reason_without_samples(statistics, selector)
    assert words in line and "\n" not in line


@pytest.fixture
def drawable(tmp_path):
    """Return a report with all that its figure is drawn from; every image is red."""
    (tmp_path / "images").mkdir()
    for i in range(12):
        red = np.full((96, 160, 3), (10, 20, 200), np.uint8)  # BGR
        cv2.imwrite(str(tmp_path / f"images/{i}.jpg"), red)
    statistics, selector = statistics_of([*KEYFRAMES[:11], Status.STILL])
    index = index_of(12, metres=0.4)
    facts = OdometryFacts("/odom", 12, 0, None, "", 3)
    return examine(index, statistics, selector, facts), statistics, index, tmp_path


def test_figure_shows_text_plots_and_samples(drawable, tmp_path):
    assert draw_health(*drawable, tmp_path / "report.png")
    page = cv2.imread(str(tmp_path / "report.png"))[..., ::-1]
    assert page.shape[1] == WIDTH and page.shape[0] > 1000
    red = (page[..., 0] > 180) & (page[..., 1] < 40) & (page[..., 2] < 40)
    assert np.count_nonzero(red) > 9 * 96 * 160  # three samples of three images, in RGB
    assert page[:200, :600].min() < 60  # text


def test_figure_draws_a_name_with_dollar_signs(drawable, tmp_path):
    health, *rest = drawable
    health["bag"] = {"bag": "a$x_{$.bag"}
    assert draw_health(health, *rest, tmp_path / "report.png")


def test_figure_without_distances_is_drawn(drawable, tmp_path):
    health, statistics, _, folder = drawable
    assert draw_health(health, statistics, index_of(12), folder, tmp_path / "report.png")
