# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Search for fp32 fallback layers in networks that overflow at a known place."""

from __future__ import annotations

import pytest
import torch
from helpers.folded_models import randomised, smooth_image
from torch import nn

from jasmine_core.export.half_precision import Fp32FallbackLayer, find_fp32_layers, in_half
from jasmine_core.export.specialise import specialise

torch.set_num_threads(1)


class OverflowBetweenLayers(nn.Module):
    """Two layers with values beyond float16 between them."""

    def __init__(self):
        super().__init__()
        self.up = nn.Conv2d(3, 3, 1, bias=False)
        self.down = nn.Conv2d(3, 3, 1, bias=False)
        with torch.no_grad():
            self.up.weight.copy_(1e5 * torch.eye(3)[..., None, None])
            self.down.weight.copy_(1e-5 * torch.eye(3)[..., None, None])

    def forward(self, x):
        return self.down(self.up(x))


class OverflowInsideModule(nn.Module):
    """Module that overflows inside, while its output stays small."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(3e4))

    def forward(self, x):
        return torch.sigmoid((x * self.scale) @ (x * self.scale).transpose(2, 3)) * x.mean()


class Network(nn.Module):
    def __init__(self, *parts):
        super().__init__()
        self.first = nn.Conv2d(3, 3, 1)
        self.parts = nn.ModuleList(parts)
        self.last = nn.Conv2d(3, 3, 1)

    def forward(self, x):
        x = self.first(x)
        for part in self.parts:
            x = part(x)
        return self.last(x)


def test_smallest_module_with_an_output_within_float16_is_found():
    torch.manual_seed(0)
    image = torch.rand(1, 3, 8, 8)
    assert find_fp32_layers(Network(nn.ReLU()), image) == frozenset()
    assert find_fp32_layers(Network(nn.ReLU(), OverflowBetweenLayers()), image) == {"parts.1"}
    assert find_fp32_layers(Network(OverflowInsideModule()), image) == {"parts.0"}


def test_all_modules_are_returned_if_the_output_of_the_network_overflows():
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1))
    nn.init.constant_(network[0].bias, 1e6)
    nn.init.constant_(network[1].bias, 1e6)
    assert find_fp32_layers(network, torch.rand(1, 3, 8, 8)) == {"0", "1"}


def test_fp32_fallback_layers_prevent_an_overflow():
    torch.manual_seed(0)
    network, image = Network(OverflowBetweenLayers()), torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        expected = network(image)
        assert not torch.isfinite(in_half(network)(image.half())).all()
        got = in_half(network, find_fp32_layers(network, image))(image.half())
    assert got.dtype == torch.float16
    torch.testing.assert_close(got.float(), expected, rtol=0, atol=5e-3)


def test_half_precision_copy_leaves_the_model_in_float32(make_model):
    folded = specialise(randomised(make_model(), 0.05))
    assert find_fp32_layers(folded, smooth_image(64, 64)) == frozenset()
    half = in_half(folded, ["decoder.vae.mid_block"])
    assert all(p.dtype == torch.float32 for p in folded.parameters())
    kept = {name for name, m in half.named_modules() if isinstance(m, Fp32FallbackLayer)}
    assert {"decoder.vae.mid_block", "decoder.ssg.attention"} <= kept
    assert not any(name.startswith("decoder.vae.mid_block.") for name in kept)
    assert any(name.startswith("unet") for name in kept)  # its GroupNorms


def test_unknown_fp32_layers_are_named_in_the_error(make_model):
    with pytest.raises(ValueError, match=r"unet\.attic"):
        in_half(specialise(make_model()), ["unet.attic"])
