# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Protocols: properties of the alignments, valid pixels, and published numbers."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jasmine_core.errors import ConfigError, FrameError
from jasmine_core.evaluate import evaluate_depth
from jasmine_core.evaluate.metrics import DepthMetrics
from jasmine_core.evaluate.protocols import (
    PROTOCOLS,
    Protocol,
    align,
    find_protocol,
    read_depth_image,
)

DATA = Path(__file__).parents[1] / "data"
PERFECT = DepthMetrics(0, 0, 0, 0, 1, 1, 1)
SIZES = {"eigen_improved": (375, 1242), "cityscapes": (128, 256)}  # the others take any size


def scene(seed=0, shape=(48, 96), low=2.0, high=9.0):
    """Return smooth ground truth [H,W] m within the range of every protocol."""
    coarse = np.random.default_rng(seed).uniform(low, high, (6, 9))
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_LINEAR)


def noisy(ground_truth, seed=1):
    return ground_truth * np.random.default_rng(seed).lognormal(0, 0.3, ground_truth.shape)


def shown(ground_truth, name):
    """Return the part of the ground truth that a prediction covers."""
    return ground_truth[PROTOCOLS[name].window(ground_truth.shape[::-1]).slices]


@pytest.mark.parametrize("alignment", ["median", "least_squares", "none"])
@pytest.mark.parametrize("name", PROTOCOLS)
def test_ground_truth_itself_is_perfect(name, alignment):
    ground_truth = scene(shape=SIZES.get(name, (48, 96)))
    result = evaluate_depth(shown(ground_truth, name), ground_truth, name, alignment)
    assert result == pytest.approx(PERFECT, abs=1e-9)


@settings(max_examples=30)
@given(st.floats(1e-2, 1e2), st.integers(0, 99))
def test_median_ignores_scale(c, seed):
    ground_truth = scene(seed)
    result = evaluate_depth(c * noisy(ground_truth), ground_truth)
    assert result == pytest.approx(evaluate_depth(noisy(ground_truth), ground_truth), rel=1e-9)


@settings(max_examples=30)
@given(st.floats(0.2, 2), st.floats(0, 20), st.integers(0, 99))
def test_least_squares_ignores_scale_and_shift(a, b, seed):
    ground_truth, range_of_any = scene(seed), Protocol("wide", max_depth=1e3)
    result = evaluate_depth(
        a * noisy(ground_truth) + b, ground_truth, range_of_any, "least_squares"
    )
    expected = evaluate_depth(noisy(ground_truth), ground_truth, range_of_any, "least_squares")
    assert result == pytest.approx(expected, rel=1e-6)


@settings(max_examples=20)
@given(st.floats(1.1, 20))
def test_without_alignment_scale_is_an_error(c):
    ground_truth = scene()
    result = evaluate_depth(c * ground_truth, ground_truth, Protocol("wide", max_depth=1e3), "none")
    assert result.abs_rel == pytest.approx(c - 1)


def test_ratio_is_metres_per_unit_under_every_alignment():
    ground_truth = scene()
    for alignment in ("median", "least_squares", "none"):
        assert align(ground_truth / 30, ground_truth, "plain", alignment).ratio == pytest.approx(30)


def test_invalid_pixels_do_not_change_scores():
    ground_truth = scene()
    expected = evaluate_depth(noisy(ground_truth), ground_truth)
    outside = ~PROTOCOLS["eigen"].valid(ground_truth)
    for value in (0.0, np.nan, 1e-4, 80.0, np.inf, 3.0):
        changed = ground_truth.copy()
        changed[outside] = value
        assert evaluate_depth(noisy(ground_truth), changed) == expected
    prediction = noisy(ground_truth)
    prediction[outside] = np.nan
    assert evaluate_depth(prediction, ground_truth) == expected


def test_prediction_is_resized_to_the_ground_truth():
    ground_truth = np.tile(np.linspace(5, 50, 120), (40, 1))
    small = cv2.resize(ground_truth, (60, 20), interpolation=cv2.INTER_AREA)
    assert evaluate_depth(small, ground_truth, alignment="none").abs_rel < 1e-3


def test_prediction_is_clipped_after_alignment():
    ground_truth = np.full((10, 10), 10.0)
    ground_truth[0] = 1.0
    prediction = np.full((10, 10), 1.0)
    prediction[0] = 1e5
    aligned = align(prediction, ground_truth, "plain")
    assert aligned.depth.max() == 80
    assert align(-scene() + 7, scene(), "indoor").depth.min() == pytest.approx(0.1)


def test_integer_and_half_precision_maps_are_accepted():
    ground_truth = np.round(scene()).astype(np.uint8)
    assert evaluate_depth(ground_truth.astype(np.float16), ground_truth) == PERFECT


def count(name, shape):
    return PROTOCOLS[name].valid(np.full(shape, 5.0))


def test_garg_crop_of_a_kitti_image():
    rows, columns = np.nonzero(count("eigen", (375, 1242)))
    assert (rows.min(), rows.max() + 1) == (153, 371)
    assert (columns.min(), columns.max() + 1) == (44, 1197)


def test_improved_ground_truth_is_cropped_to_the_benchmark_window():
    rules = PROTOCOLS["eigen_improved"]
    assert rules.window((1242, 375)) == (13, 23, 1216, 352)
    assert rules.window((1216, 352)) == (0, 0, 1216, 352)
    rows, columns = np.nonzero(count("eigen_improved", (352, 1216)))
    assert (rows.min(), rows.max() + 1) == (117, 321)
    assert (columns.min(), columns.max() + 1) == (43, 1172)
    with pytest.raises(FrameError, match="640x352"):
        rules.window((640, 352))


def test_uncropped_improved_ground_truth_uses_all_known_pixels():
    ground_truth = np.array([[0.0, 1e-4, 5.0, 79.0, 200.0, np.nan, np.inf]])
    valid = PROTOCOLS["eigen_improved_uncropped"].valid(ground_truth)
    assert valid.tolist() == [[False, True, True, True, True, False, False]]


def test_cityscapes_leaves_out_the_bonnet_and_the_margins():
    rules = PROTOCOLS["cityscapes"]
    assert rules.window((2048, 1024)) == (0, 0, 2048, 768)
    rows, columns = np.nonzero(count("cityscapes", (768, 2048)))
    assert (rows.min(), rows.max() + 1) == (256, 768)
    assert (columns.min(), columns.max() + 1) == (192, 1856)


@pytest.mark.parametrize(("name", "top"), [("driving_stereo", 80), ("plain", 80), ("indoor", 10)])
def test_only_depth_in_range_is_valid(name, top):
    ground_truth = np.array([[np.nan, 0.0, 1e-3, 1.0, np.nextafter(top, 0), top]])
    assert PROTOCOLS[name].valid(ground_truth).tolist() == [
        [False, False, False, True, True, False]
    ]


def test_image_is_the_input_of_the_network():
    image = np.random.default_rng(0).integers(0, 256, (1024, 2048, 3), np.uint8)
    np.testing.assert_array_equal(PROTOCOLS["eigen"].image(image), image)
    np.testing.assert_array_equal(
        PROTOCOLS["eigen_improved"].image(image), image[672:, 416 : 416 + 1216]
    )
    assert PROTOCOLS["cityscapes"].image(image).shape == (192, 640, 3)


def test_cityscapes_image_is_reduced_as_the_published_one():
    pillow = pytest.importorskip("PIL.Image")
    image = np.random.default_rng(0).integers(0, 256, (1024, 2048, 3), np.uint8)
    expected = pillow.fromarray(image[:768]).resize((640, 192), pillow.LANCZOS)
    difference = PROTOCOLS["cityscapes"].image(image) - np.asarray(expected, np.int16)
    assert np.abs(difference).max() <= 1  # Pillow computes in fixed point


def test_depth_image_is_read_in_metres(tmp_path):
    path = tmp_path / "depth.png"
    cv2.imwrite(str(path), np.array([[0, 256, 640]], np.uint16))
    np.testing.assert_array_equal(read_depth_image(path), np.float32([[0, 1, 2.5]]))
    np.testing.assert_allclose(read_depth_image(path, 1000), [[0, 0.256, 0.64]], rtol=1e-6)
    cv2.imwrite(str(path), np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(FrameError, match=r"depth\.png is uint8"):
        read_depth_image(path)
    with pytest.raises(FrameError, match=r"none\.png"):
        read_depth_image(tmp_path / "none.png")


def test_errors_name_the_value_and_the_choices():
    ground_truth = scene()
    with pytest.raises(ConfigError, match=r"'nyu'.*eigen.*cityscapes"):
        find_protocol("nyu")
    with pytest.raises(ConfigError, match=r"'mean'.*least_squares"):
        evaluate_depth(ground_truth, ground_truth, alignment="mean")
    with pytest.raises(ConfigError, match=r"10\.\.5 m"):
        Protocol("upside_down", min_depth=10, max_depth=5)
    with pytest.raises(FrameError, match=r"prediction has shape \[1, 48, 96\]"):
        evaluate_depth(ground_truth[None], ground_truth)
    with pytest.raises(FrameError, match=r"ground truth has shape \[0, 96\]"):
        evaluate_depth(ground_truth, ground_truth[:0])
    with pytest.raises(FrameError, match="4608 have depth"):
        evaluate_depth(ground_truth, ground_truth * 1000, "plain")
    with pytest.raises(FrameError, match=r"median of the prediction is 0 "):
        evaluate_depth(0 * ground_truth, ground_truth)
    broken = ground_truth.copy()
    broken[30, 40:43] = np.nan, np.inf, -np.inf
    with pytest.raises(FrameError, match="infinite at 3 of 4608 pixels"):
        evaluate_depth(broken, ground_truth, "plain")


@pytest.mark.parametrize("alignment", ["median", "least_squares"])
def test_authors_numbers_are_reproduced(alignment):
    expected = json.loads((DATA / "kitti_eval.json").read_text())
    assert tuple(expected["columns"]) == DepthMetrics._fields
    with np.load(DATA / "kitti_eval.npz") as images:
        for prediction, ground_truth, row in zip(
            images["pred"], images["gt"], expected[alignment], strict=True
        ):
            result = evaluate_depth(prediction, ground_truth, protocol="eigen", alignment=alignment)
            np.testing.assert_allclose(result, row, rtol=0, atol=1e-6)
            in_double = evaluate_depth(
                prediction.astype(np.float64), ground_truth, alignment=alignment
            )
            np.testing.assert_allclose(in_double, row, rtol=0, atol=1e-6)


def test_evaluation_needs_no_torch():
    code = "import sys, jasmine_core.evaluate.evaluation; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
