# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ranges of configurations: published networks are inside, configurations that cost all are not."""

from __future__ import annotations

import math

import pytest

from jasmine_core.artifacts.limits import expect_image_size, expect_network, expect_scale
from jasmine_core.errors import ConfigError
from jasmine_core.model.presets import PRESETS, SCHEDULER

TENSORS = 686  # of the U-Net of Stable Diffusion 2
SDXL = {"transformer_layers_per_block": [1, 2, 10], "cross_attention_dim": 2048, "dropout": 0.0}


@pytest.mark.parametrize("config", [*PRESETS["sd2"].values(), SDXL, SCHEDULER, {}])
def test_published_networks_are_inside(config):
    expect_network(config, TENSORS)


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"layers_per_block": 10**7}, "layers_per_block is"),
        ({"layers_per_block": [2, 687]}, "687, but its weights have 686 tensors"),
        ({"transformer_layers_per_block": [[1], [999]]}, "999, but its weights have 686"),
        ({"encoder": {"blocks": [2, 2, 2, 700]}}, "blocks is 700"),
        ({"block_out_channels": [2**20] * 4}, "block_out_channels is"),
        ({"block_out_channels": [8] * 1000}, "has 1000 items"),
        ({"iterations": 10**6}, "iterations is"),
        ({"iterations": 33}, "the most is 32"),
        ({"num_train_timesteps": 2_000_000_000}, "num_train_timesteps is"),
        ({"beta_end": math.nan}, "beta_end is nan"),
        ({"beta_end": math.inf}, "beta_end is inf"),
        ({"sample_size": int("9" * 4000)}, "is a number of"),
        ({f"key{i}": 0 for i in range(1000)}, "has 1000 items"),
    ],
)
def test_configuration_that_asks_for_too_much_is_refused(config, reason):
    with pytest.raises(ConfigError, match=reason):
        expect_network(config, TENSORS)


def test_deeply_nested_configuration_is_refused():
    nested: list[object] = []
    for _ in range(500):
        nested = [nested]
    with pytest.raises(ConfigError, match="nested deeper"):
        expect_network({"norm_num_groups": nested}, TENSORS)


@pytest.mark.parametrize("size", [(1024, 320), (320, 96), (1, 1), (4096, 2048)])
def test_sizes_of_networks_are_inside(size):
    expect_image_size(*size)


@pytest.mark.parametrize("size", [(0, 96), (320, -64), (10**6, 10**6), (8193, 8), (8192, 8192)])
def test_size_that_no_network_has_is_refused(size):
    with pytest.raises(ConfigError, match=f"{size[0]}x{size[1]} px are outside"):
        expect_image_size(*size)


@pytest.mark.parametrize("scale", [None, 1, 30.0, 0.001])
def test_scales_are_inside(scale):
    expect_scale("metres_per_unit", scale)


@pytest.mark.parametrize("scale", [0, -1.0, math.nan, math.inf, 1e300])
def test_scale_that_is_no_length_is_refused(scale):
    with pytest.raises(ConfigError, match=r"metres_per_unit is .* outside"):
        expect_scale("metres_per_unit", scale)
