# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Calibrated confidence: its formula, its features, its file, and its place in the predictor."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.fingerprint import CALIBRATION_FILE
from jasmine_core.errors import CheckpointError
from jasmine_core.runtime.backend import BackendInfo, NetworkMaps
from jasmine_core.runtime.confidence import (
    FEATURES,
    MAX_KNOTS,
    OPTIONAL,
    Calibration,
    Line,
    features,
    read_calibration,
    to_json,
    with_parallax,
)
from jasmine_core.runtime.predictor import DepthPredictor

FLAT = Line((0.0,), (0.0,))
SPREAD = Line((0.0, 1.0), (0.6, 0.1))


def calibration(**lines):
    return Calibration(0.5, {**dict.fromkeys(FEATURES, FLAT), **lines}, SPREAD)


def maps(rng, height=24, width=40):
    depths = np.exp(rng.normal(0, 0.3, (2, height, width))).astype(np.float32)
    return depths, rng.integers(0, 256, (height, width, 3), np.uint8)


def test_the_confidence_is_a_logistic_function_of_the_features():
    depths, image = maps(np.random.default_rng(0))
    line = Line((-4.0, 0.0, 2.0), (2.0, -1.0, -3.0))
    expected = 0.5 + np.interp(features(depths, image)["change"], line.knots, line.values)
    found = calibration(change=line)(depths, image)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-expected)), rtol=1e-4)


def test_every_feature_is_of_a_pixel_or_of_the_image_and_finite():
    depths, image = maps(np.random.default_rng(1))
    depths[:, :3] = 0
    depths[1, 3] = np.nan
    found = features(depths, image)
    assert tuple(found) == FEATURES
    for name, values in found.items():
        assert values.shape == ((1, 1) if name.endswith("_of_image") else image.shape[:2])
        assert np.isfinite(values).all(), name


def test_an_unknown_depth_has_no_confidence():
    depths, image = maps(np.random.default_rng(2))
    depths[1, :4], depths[1, 4:6] = 0, np.nan
    found = calibration()(depths, image)
    assert (found[:6] == 0).all() and (found[6:] > 0.6).all()


# ---------------------------------------------------------------------- file


@pytest.fixture
def folder(checkpoint, tmp_path):
    shutil.copytree(checkpoint, tmp_path / "copy")
    return tmp_path / "copy"


def write(folder, **changes):
    content = {"model": Checkpoint.resolve(folder).fingerprint, **to_json(calibration())}
    (folder / CALIBRATION_FILE).write_text(json.dumps(content | changes))
    return Checkpoint.resolve(folder)


def test_a_checkpoint_without_a_file_is_not_calibrated(folder):
    assert read_calibration(Checkpoint.resolve(folder)) is None
    assert read_calibration(Checkpoint.resolve("random:tiny")) is None
    assert DepthPredictor.from_pretrained(folder, "torch").calibration is None


def test_a_written_calibration_is_read(folder):
    checkpoint = write(folder)
    assert read_calibration(checkpoint) == calibration()
    assert DepthPredictor.from_pretrained(checkpoint, "torch").calibration == calibration()


def test_a_file_of_version_0_1_0_is_read(folder):
    """It has no noise and no contrast of the image, and is used without them."""
    lines = to_json(calibration())["features"]
    first = {name: line for name, line in lines.items() if name not in OPTIONAL}
    found = read_calibration(write(folder, features=first))
    assert found is not None and list(found.lines) == list(first)
    depths, image = maps(np.random.default_rng(3))
    assert ((found(depths, image) > 0) & (found(depths, image) < 1)).all()


def test_noise_and_contrast_are_of_the_image():
    depths, image = maps(np.random.default_rng(4))
    flat = np.full_like(image, 90)
    spots = flat.copy()
    spots[::3, ::3] = 130
    found = [features(depths, x) for x in (flat, spots)]
    assert found[0]["noise_of_image"] == found[0]["contrast_of_image"] == 0
    assert found[1]["noise_of_image"].shape == (1, 1) and found[1]["noise_of_image"] > 0.5
    assert found[1]["contrast_of_image"] > 2


def test_the_calibration_of_other_weights_is_not_used(folder, caplog):
    checkpoint = write(folder, model="of other weights")
    assert read_calibration(checkpoint) is None
    assert f"run jasmine calibrate {folder}" in caplog.text


LONG = {"knots": list(range(MAX_KNOTS + 1)), "values": [0] * (MAX_KNOTS + 1)}


@pytest.mark.parametrize(
    "changes",
    [
        {"intercept": math.nan},
        {"intercept": 1e9},
        {"intercept": True},
        {"intercept": "1"},
        {"features": {}},
        {"features": []},
        {"spread": {"knots": [0, 1], "values": [1]}},
        {"spread": {"knots": [1, 0], "values": [1, 1]}},
        {"spread": {"knots": [], "values": []}},
        {"spread": LONG},
        {"spread": None},
    ],
    ids=str,
)
def test_a_damaged_file_is_refused_by_name(folder, changes):
    checkpoint = write(folder, **changes)
    with pytest.raises(
        CheckpointError, match=f"{CALIBRATION_FILE} cannot be read .*run jasmine calibrate"
    ):
        read_calibration(checkpoint)


def test_a_missing_key_is_named(folder):
    checkpoint = write(folder)
    file = folder / CALIBRATION_FILE
    content = json.loads(file.read_text())
    del content["intercept"]
    file.write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match="the key 'intercept' is missing"):
        read_calibration(checkpoint)


@pytest.mark.parametrize("text", ["", "[]", "[" * 5000, "{", "null"])
def test_a_file_that_is_not_an_object_is_refused(folder, text):
    (folder / CALIBRATION_FILE).write_text(text)
    with pytest.raises(CheckpointError, match=CALIBRATION_FILE):
        read_calibration(Checkpoint.resolve(folder))


# ---------------------------------------------------------------------- predictor


class RampBackend:
    """Backend that returns a ramp of depth, and a half of it for the iteration before."""

    info = BackendInfo("ramp", "cpu", "fp32", "ramp", (128, 64), None)

    def __call__(self, image):
        depth = np.tile(np.linspace(1, 4, image.shape[2], dtype=np.float32), (image.shape[1], 1))
        return NetworkMaps(depth, np.stack([depth / 2, depth]), {})


@pytest.mark.parametrize("resize", ["fit", "stretch", "crop"])
@pytest.mark.parametrize("resolution", ["camera", "network"])
def test_the_maps_of_a_prediction_have_the_size_of_its_depth(resize, resolution):
    image = np.random.default_rng(0).integers(0, 256, (90, 100, 3), np.uint8)
    predictor = DepthPredictor(RampBackend(), resize, resolution, calibration=calibration())
    prediction = predictor(image)
    known = np.isfinite(prediction.depth)
    assert prediction.confidence.shape == prediction.spread.shape == prediction.depth.shape
    expected = 1 / (1 + math.exp(-0.5))
    np.testing.assert_allclose(prediction.confidence[known], expected, rtol=1e-5)
    np.testing.assert_allclose(
        prediction.spread[known], 0.6 - 0.5 / (1 + math.exp(-0.5)), rtol=1e-5
    )
    assert not np.isfinite(prediction.spread[~known]).any()


def test_without_a_calibration_the_confidence_is_the_convergence():
    image = np.zeros((64, 128, 3), np.uint8)
    prediction = DepthPredictor(RampBackend())(image)
    np.testing.assert_allclose(prediction.confidence, 0.5, rtol=1e-5)
    assert prediction.spread is None


@given(st.floats(0, 1), st.floats(0, 10), st.floats(0, 10))
def test_parallax_raises_the_confidence(confidence, weight, more):
    p = np.float32(confidence)
    low, high = (with_parallax(p, np.float32(w)) for w in sorted((weight, more)))
    assert p - 1e-6 <= low <= high + 1e-6 and high <= 1
    assert with_parallax(p, np.float32(0)) == pytest.approx(p)
    assert with_parallax(p, np.float32(2)) == pytest.approx(with_parallax(p, np.float32(9)))


def test_unknown_and_impossible_pixels_stay_so():
    found = with_parallax(np.float32([np.nan, 0, 1]), np.float32([1, 1, 1]))
    np.testing.assert_array_equal(found, [np.nan, 0, 1])


def test_a_prediction_that_parallax_corrected_is_surer():
    predictor = DepthPredictor(RampBackend(), calibration=calibration())
    prediction = predictor(np.zeros((64, 128, 3), np.uint8))
    seen = replace(prediction, parallax=np.ones_like(prediction.depth))
    assert np.all(seen.confidence > prediction.confidence)
    assert np.all(seen.spread < prediction.spread)
    plain = replace(seen, calibration=None)
    np.testing.assert_array_equal(plain.confidence, replace(plain, parallax=None).confidence)
