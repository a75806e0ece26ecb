# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ranking of segments by residuals and novelty, and the signals of a real checkpoint."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from jasmine_core.errors import CheckpointError
from jasmine_core.evaluate.contact_sheet import thumbnail, write_contact_sheet
from jasmine_core.evaluate.mining import (
    Segment,
    rank_recordings,
    rank_segments,
    segment_of,
)
from jasmine_core.evaluate.unknowns import Signals, UnknownsMeter
from jasmine_core.geometry.camera import Camera
from jasmine_core.synthetic.drive import WorldConfig, render_drive


def segment(name, residual, *features):
    return Segment(name, 0, 1, 1, residual, residual, residual, np.array(features, np.float32))


def test_larger_residuals_come_first_where_all_look_alike():
    ranked = rank_segments([segment(f"r{i}", i, 1.0, 2.0) for i in (1, 3, 0, 2)], 4)
    assert [r.segment.recording for r in ranked] == ["r3", "r2", "r1", "r0"]
    assert [r.rank for r in ranked] == [1, 2, 3, 4]


def test_the_second_of_two_segments_that_look_alike_is_late():
    alike = [segment("a", 1.0, 5.0, 0.0), segment("b", 0.99, 5.0, 0.0)]
    others = [segment("c", 0.6, -5.0, 0.0), segment("d", 0.5, 0.0, 5.0)]
    names = [r.segment.recording for r in rank_segments([*alike, *others], 4)]
    assert names[0] == "a"
    assert names.index("b") > names.index("c")
    assert names.index("b") > names.index("d")


def test_only_the_chosen_ones_are_compared_with_each_other():
    rng = np.random.default_rng(0)
    segments = [segment(f"r{i}", rng.random(), *rng.random(3)) for i in range(40)]
    all_, ten = (rank_segments(segments, count) for count in (40, 10))
    assert [r.segment for r in all_[:10]] == [r.segment for r in ten[:10]]
    assert sorted(r.segment.recording for r in ten) == sorted(s.recording for s in segments)
    scores = [r.score for r in ten[10:]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= r.novelty <= 1 for r in all_)


def test_signals_of_different_units_count_alike():
    """Ranks are compared, so that a signal with large numbers does not outweigh the others."""
    one = replace(segment("a", 0, 1.0), photometric=1e6, temporal=0.0, uncertainty=0.0)
    two = replace(segment("b", 0, 1.0), photometric=0.0, temporal=1e-3, uncertainty=1e-3)
    assert [r.segment.recording for r in rank_segments([one, two], 2)] == ["b", "a"]


def test_recordings_are_ranked_by_their_mean():
    segments = [segment("a", 1.0, 0.0), segment("a", 3.0, 1.0), segment("b", 5.0, 2.0)]
    rows = rank_recordings(rank_segments(segments, 3))
    assert [(name, count) for name, _, count in rows] == [("b", 1), ("a", 2)]
    assert rank_segments([], 3) == []


def test_a_segment_has_the_medians_of_its_images():
    features = np.zeros(2, np.float32)
    signals = [Signals(p, 2 * p, 3 * p, features + p) for p in (1.0, 9.0, 2.0)]
    found = segment_of("a", 5, 7, signals)
    assert (found.photometric, found.temporal, found.uncertainty) == (2.0, 4.0, 6.0)
    assert (found.start, found.stop, found.images) == (5, 7, 3)
    assert found.features.tolist() == [4.0, 4.0]


@pytest.fixture(scope="module")
def meter():
    return UnknownsMeter("jasmine-tiny")


@pytest.fixture(scope="module")
def drive():
    return render_drive(3, WorldConfig(width=320, height=96, frames=4, texture_banks=1))


def images_of(drive):
    scaled = (255 * drive.images.permute(0, 2, 3, 1).numpy()).round().astype(np.uint8)
    height, width = scaled.shape[1:3]
    return scaled, Camera(width, height, drive.K.double().numpy())


def test_equal_images_have_no_residual_and_wrong_ones_have(meter, drive):
    images, camera = images_of(drive)
    still = meter(images[0], images[0], camera)
    assert still.photometric < 1e-6
    moving = meter(images[0], images[1], camera)
    foreign = np.ascontiguousarray(images[3][::-1, ::-1])
    cut = meter(foreign, images[1], camera)
    assert still.photometric < moving.photometric < cut.photometric
    assert moving.temporal < cut.temporal
    for found in (still, moving, cut):
        assert 0 <= found.uncertainty <= 1
        assert np.isfinite(found.features).all()
        assert found.features.ndim == 1


def test_the_signals_of_noise_exceed_those_of_a_known_world(meter, drive):
    images, camera = images_of(drive)
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (2, *images[0].shape), np.uint8)
    known, unknown = meter(images[0], images[1], camera), meter(*noise, camera)
    assert unknown.photometric > known.photometric
    assert unknown.uncertainty > known.uncertainty


def test_a_checkpoint_without_pose_net_is_refused(checkpoint):
    with pytest.raises(CheckpointError, match=r"has no pose net in .*posenet"):
        UnknownsMeter(str(checkpoint))


def test_a_contact_sheet_shows_all_tiles(tmp_path):
    shapes = [(60 + 10 * i, 200, 3) for i in range(6)]
    images = [np.full(shape, 20 * i, np.uint8) for i, shape in enumerate(shapes)]
    tiles = [(thumbnail(image), f"{i} \u00e9") for i, image in enumerate(images)]
    write_contact_sheet(tmp_path / "sheet.png", tiles)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    for i in range(6):
        assert (sheet == 20 * i).all(-1).sum() > 200 * 60, i
