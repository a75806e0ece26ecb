# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Measurement of an autoencoder: zero for a lossless one, larger errors for more loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from jasmine_core import JasmineModel
from jasmine_core.errors import CheckpointError, FrameError
from jasmine_core.evaluate import autoencoder
from jasmine_core.evaluate.autoencoder import expect_autoencoder, measure_autoencoder
from jasmine_core.evaluate.run import Sample

SIZE = (96, 64)


@pytest.fixture
def model(make_model, request):
    model = make_model(ssi_space=getattr(request, "param", "log_depth"), nearest=0.02)
    model.config = type(model.config)(
        **(vars(model.config) | {"width": SIZE[0], "height": SIZE[1]})
    )
    return model


def samples(count=2):
    rng = np.random.default_rng(0)
    for stamp in range(count):
        ground_truth = np.full(SIZE[::-1], 30.0, np.float32)
        ground_truth[20:] = np.linspace(40, 3, 44)[:, None]
        ground_truth[10:50, 30:50] = 5.0 + stamp
        ground_truth[:10] = 0  # sky
        yield Sample(stamp, rng.integers(0, 255, (*SIZE[::-1], 3), np.uint8), ground_truth)


def through(change):
    """Replace encoder and decoder by a given change of the code."""
    return lambda model, image: change(image)


@pytest.mark.parametrize("model", ["log_depth", "disparity"], indirect=True)
def test_lossless_autoencoder_has_no_error(model, monkeypatch):
    monkeypatch.setattr(autoencoder, "_through", through(lambda image: image))
    found = measure_autoencoder(model, samples())
    assert found.frames == 2
    assert found.depth_abs_rel < 1e-4 and found.depth_a1 == 1
    assert found.image_psnr > 90


@pytest.mark.parametrize("model", ["log_depth"], indirect=True)
def test_shifted_code_is_corrected_by_least_squares(model, monkeypatch):
    monkeypatch.setattr(autoencoder, "_through", through(lambda image: 0.98 * image + 0.01))
    found = measure_autoencoder(model, samples())
    assert 0.01 < found.depth_abs_rel < 0.2
    assert found.depth_abs_rel_least_squares < 1e-4
    assert 20 < found.image_psnr < 60


@pytest.mark.parametrize("model", ["depth", "log_depth"], indirect=True)
def test_blur_has_the_largest_error_beside_edges(model, monkeypatch):
    blur = torch.nn.AvgPool2d(5, 1, 2, count_include_pad=False)
    monkeypatch.setattr(autoencoder, "_through", through(blur))
    found = measure_autoencoder(model, samples())
    assert found.depth_abs_rel_beside_edges > 2 * found.depth_abs_rel > 0


def test_random_weights_are_refused(model, monkeypatch):
    monkeypatch.setattr(autoencoder, "world_samples", lambda *_: samples())
    with pytest.raises(
        CheckpointError, match=r"of runs/x reconstructs .* autoencoder_limit is 0.05"
    ):
        expect_autoencoder(model, 0.05, "runs/x")


def test_measurement_without_images_is_refused(model):
    with pytest.raises(FrameError, match="no image was encoded"):
        measure_autoencoder(model, [])


def test_images_have_the_size_of_the_preset():
    model = JasmineModel.from_preset("tiny")
    assert 0 < measure_autoencoder(model, samples(1)).depth_abs_rel < 100
