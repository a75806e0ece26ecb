# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fit of a calibrated confidence to images whose errors are known."""

from __future__ import annotations

import numpy as np
import pytest

from jasmine_core.errors import FrameError
from jasmine_core.evaluate.calibration import LARGEST_ERROR, CalibrationFit
from jasmine_core.evaluate.reliability import Reliability

H, W = 32, 64


def scene(seed):
    """Return depths, an image and ground truth; textured pixels have a ten times larger error."""
    rng = np.random.default_rng(seed)
    ground_truth = np.tile(np.linspace(30, 3, H)[:, None], (1, W)).astype(np.float32)
    textured = np.zeros((H, W), bool)
    at = rng.integers(0, W // 2)
    textured[:, at : at + W // 2] = True
    image = np.full((H, W, 3), 120, np.uint8)
    image[textured] = rng.integers(0, 256, (textured.sum(), 3))
    error = rng.normal(0, 1, (H, W)) * np.where(textured, 0.4, 0.04)
    depth = (ground_truth * np.exp(error) / 20).astype(np.float32)
    return np.stack([depth, depth]), image, ground_truth


def fitted(count=150):
    fit = CalibrationFit()
    for seed in range(count):
        fit.add(*scene(seed))
    assert fit.images == count
    return fit.fit()


@pytest.fixture(scope="module")
def unseen():
    """Return the calibration, and confidence, depth and ground truth [N,P] of unseen images."""
    calibration, rows = fitted(), []
    for seed in range(1000, 1012):
        depths, image, ground_truth = scene(seed)
        depth = depths[-1] * np.median(ground_truth) / np.median(depths[-1])
        rows.append([x.ravel() for x in (calibration(depths, image), depth, ground_truth)])
    return calibration, *np.array(rows).transpose(1, 0, 2)


def test_the_confidence_of_unseen_images_is_the_share_of_correct_pixels(unseen):
    reliability = Reliability()
    for row in zip(*unseen[1:], strict=True):
        reliability.add(*row)
    summary = reliability.summary()
    assert summary["ece"] < 0.05
    assert summary["bins"][0]["correct"] < 0.4 and summary["bins"][-1]["correct"] > 0.85
    assert summary["aurg"] > 0.05


def test_the_spread_is_the_deviation_of_the_error(unseen):
    calibration, confidence, depth, ground_truth = unseen
    assert list(calibration.spread.values) == sorted(calibration.spread.values, reverse=True)
    error = np.minimum(np.abs(depth - ground_truth) / ground_truth, LARGEST_ERROR)
    for chosen in (confidence < 0.3, confidence > 0.8):
        measured = np.sqrt(np.mean(error[chosen] ** 2))
        stated = np.sqrt(np.mean(calibration.spread(confidence[chosen]) ** 2))
        assert stated == pytest.approx(measured, rel=0.25)


def test_pixels_without_ground_truth_or_depth_are_left_out():
    depths, image, ground_truth = scene(0)
    fit = CalibrationFit()
    fit.add(depths, image, np.zeros_like(ground_truth))
    fit.add(np.full_like(depths, np.nan), image, ground_truth)
    assert fit.images == 0
    with pytest.raises(FrameError, match="cannot be fitted"):
        fit.fit()
    ground_truth[4:] = 0
    fit.add(depths, image, ground_truth)
    assert fit.images == 1


def test_images_of_one_value_can_be_fitted():
    fit = CalibrationFit()
    depth = np.ones((2, H, W), np.float32)
    fit.add(depth, np.zeros((H, W, 3), np.uint8), np.full((H, W), 7.0, np.float32))
    confidence = fit.fit()(depth, np.zeros((H, W, 3), np.uint8))
    assert (confidence > 0.6).all()
