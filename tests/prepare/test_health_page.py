# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Health report of a recording for people: findings with remedies and images."""

from __future__ import annotations

from base64 import b64decode

import cv2
import numpy as np
import pytest
from helpers.corridor import CAMERA

from jasmine_core.dataset.sequence import VERSION, FrameRecord, Index, SampleRecord, image_name
from jasmine_core.prepare.health import examine
from jasmine_core.prepare.health_page import THUMBNAILS, health_page
from jasmine_core.prepare.keyframes import Decision, KeyframeSelector, Status
from jasmine_core.prepare.optical_flow import PairMotion
from jasmine_core.prepare.options import NeighbourRules
from jasmine_core.prepare.statistics import OdometryFacts, RecordingStatistics
from jasmine_core.report.blocks import Chart, Findings, Gallery
from jasmine_core.report.page import render

STEP = 100_000_000  # [ns]
MOTION = PairMotion(0.9, flow=0.04, parallax=0.03)
COUNT = 20
BLURRED = (3, 8, 9, 15, 16)  # the later, the more blurred
STILL = (11, 12)


@pytest.fixture
def recording(tmp_path):
    """Return the arguments of `health_page`; the grey level of an image is ten times its index."""
    (tmp_path / "images").mkdir()
    statistics, selector = RecordingStatistics(), KeyframeSelector(NeighbourRules())
    for i in range(COUNT):
        status = Status.STILL if i in STILL else Status.KEYFRAME if i else Status.START
        decision = Decision(status, MOTION)
        selector.apply(i * STEP, decision)
        sharp = 2.0 - 0.1 * i if i in BLURRED else 20.0
        record = {"stamp": i * STEP, "sharpness": sharp, "brightness": 120.0}
        statistics.add(record | decision.record())
        if i not in STILL:
            image = np.full((48, 80, 3), 10 * i, np.uint8)
            cv2.imwrite(str(tmp_path / image_name(i * STEP, "jpg")), image)
    stored = [i for i in range(COUNT) if i not in STILL]
    frames = [FrameRecord(i * STEP, 0, image_name(i * STEP, "jpg")) for i in stored]
    samples = [
        SampleRecord(i, (i - 1, i + 1), (0.04, 0.04), (0.03, 0.03), (None, None))
        for i in range(1, len(frames) - 1)
    ]
    K, (width, height) = CAMERA.K.tolist(), CAMERA.size
    source = {"bag": "<b>drive</b>"}
    index = Index(VERSION, source, {}, width, height, K, False, frames, samples)
    health = examine(index, statistics, selector, OdometryFacts(), {"/<i>": damage()})
    return health, statistics, index, tmp_path


def damage():
    return {"count": 2, "example": "<script>"}


def finding(page, words):
    """Return the finding whose text has some words."""
    blocks = [block for section in page.sections for block in section.blocks]
    (findings,) = (block for block in blocks if isinstance(block, Findings))
    (found,) = (item for item in findings.items if words in item.text)
    return found


def grey_level(figure):
    data = np.frombuffer(b64decode(figure.image.partition(",")[2]), np.uint8)
    return int(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE).mean().round())


def test_finding_has_its_remedy_and_the_most_blurred_images(recording):
    blurred = finding(health_page(*recording), "are blurred")
    assert blurred.level == "warning"
    assert blurred.remedy == "shorten the exposure time"
    assert "shorten" not in blurred.text
    levels = [grey_level(figure) for figure in blurred.figures]
    assert levels == pytest.approx([160, 150, 90, 80], abs=2) and len(levels) == THUMBNAILS
    assert blurred.figures[0].caption == "1.60 s"


def test_standing_camera_is_shown_by_the_image_before(recording):
    still = finding(health_page(*recording), "nothing moved")
    assert [grey_level(figure) for figure in still.figures] == pytest.approx([100], abs=2)


def test_page_has_charts_with_marks_and_samples(recording):
    page = health_page(*recording)
    blocks = [block for section in page.sections for block in section.blocks]
    charts = [block for block in blocks if isinstance(block, Chart)]
    assert len(charts) == 4
    assert list(charts[-1].marks) == pytest.approx([1.1, 1.2])
    galleries = [block for block in blocks if isinstance(block, Gallery)]
    assert [len(block.figures) for block in galleries] == [3, 3, 3, 3]
    assert (page.level, page.verdict) == ("warning", "usable")


def test_texts_of_the_recording_are_escaped(recording):
    text = render(health_page(*recording))
    assert "&lt;b&gt;drive&lt;/b&gt;" in text and "/&lt;i&gt; are damaged" in text
    assert "<script>" not in text
