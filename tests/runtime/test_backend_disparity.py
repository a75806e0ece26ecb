# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Disparity nets as depth networks in the predictor."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from jasmine_core.errors import CheckpointError, ConfigError
from jasmine_core.model.disparity_net import DisparityConfig, DisparityNet
from jasmine_core.model.resnet import EncoderConfig
from jasmine_core.runtime.predictor import DepthPredictor

CONFIG = DisparityConfig(
    height=64,
    width=128,
    encoder=EncoderConfig((8, 8, 16, 16, 16), (1, 1, 1, 1), norm="group"),
    decoder=(16, 16, 8, 8),
    metres_per_unit=7.5,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("nets") / "teacher"
    DisparityNet(CONFIG).save_pretrained(path)
    return path


def test_backend_depth_equals_that_of_the_net(folder):
    predictor = DepthPredictor.from_pretrained(folder, resolution="network")
    image = np.random.default_rng(0).integers(0, 255, (64, 128, 3), np.uint8)
    prediction = predictor(image)
    net = DisparityNet.from_pretrained(folder)
    with torch.no_grad():
        depth = net.depth(torch.from_numpy(image).permute(2, 0, 1)[None] / 255)[0, 0].numpy()
    np.testing.assert_allclose(prediction.depth, depth, rtol=1e-4)
    assert predictor.metres_per_unit == 7.5
    assert 0 <= prediction.ssi.min() < prediction.ssi.max() <= 1
    order = np.argsort(prediction.depth.ravel())
    assert (np.diff(prediction.ssi.ravel()[order]) >= 0).all(), "larger is farther in both"


def test_images_of_any_size_are_accepted(folder):
    prediction = DepthPredictor.from_pretrained(folder)(np.zeros((90, 250, 3), np.uint8))
    assert prediction.depth.shape == (90, 250)
    assert np.isfinite(prediction.depth).all()


def test_unsupported_precision_and_backend_are_refused(folder):
    with pytest.raises(ConfigError, match="'fp16': a disparity net runs only in fp32"):
        DepthPredictor.from_pretrained(folder, precision="fp16")
    with pytest.raises(CheckpointError, match="only the torch backend runs"):
        DepthPredictor.from_pretrained(folder, backend="onnxruntime")
