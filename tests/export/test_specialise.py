# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Folded network: every map equals that of the model up to rounding."""

from __future__ import annotations

import copy

import pytest
import torch
from diffusers import UNet2DConditionModel
from helpers.folded_models import exact, maps, randomised, smooth_image

from jasmine_core.export.specialise import specialise
from jasmine_core.model.jasmine import JasmineModel
from jasmine_core.model.ssg import SSGConfig

torch.set_num_threads(1)


def folded_maps(model, image, transposed=False):
    with torch.no_grad():
        return torch.cat(specialise(model, transposed)(image), dim=1)


def assert_equal(model, width, height, transposed=False):
    """Compare in float64 (1e-10) and float32 (1e-4), on maps that are not constant."""
    image = smooth_image(width, height)
    double = exact(model)
    expected = maps(double, image.double())
    for channel in expected[0]:
        assert channel.std() > 1e-3
    got = folded_maps(double, image.double(), transposed)
    assert (got - expected).abs().max() < 1e-10
    single = folded_maps(model.float(), image, transposed)
    assert (single - expected).abs().max() < 1e-4


@pytest.fixture
def model(make_model):
    return randomised(make_model())


@pytest.mark.parametrize("transposed", [False, True], ids=["as is", "transposed"])
def test_equal_at_192x640(model, transposed):
    assert_equal(model, 640, 192, transposed)


@pytest.mark.slow
@pytest.mark.parametrize("transposed", [False, True], ids=["as is", "transposed"])
def test_equal_at_320x1024(model, transposed):
    assert_equal(model, 1024, 320, transposed)


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["tiny", "medium"])
def test_presets_are_equal(preset):
    assert_equal(randomised(JasmineModel.from_preset(preset), 0.02), 192, 128)


# ---------------------------------------------------------------------------- variants


@pytest.mark.parametrize("tokens", [1, 2, 5, 77])
def test_texts_of_any_length_are_folded(model, tokens):
    generator = torch.Generator().manual_seed(tokens)
    model.text_embedding = torch.randn(1, tokens, 16, generator=generator)
    assert_equal(model, 128, 64)


def test_unet_without_a_task_embedding_is_folded(make_model):
    model = make_model()
    config = {k: v for k, v in model.unet.config.items() if k != "_use_default_values"}
    config |= {"class_embed_type": None, "projection_class_embeddings_input_dim": None}
    model.unet = UNet2DConditionModel.from_config(config)
    assert_equal(randomised(model), 128, 64)


def test_task_vector_changes_the_folded_network(make_model):
    model = randomised(make_model(task_depth=(0, 1)))
    assert_equal(model, 128, 64)
    image = smooth_image(128, 64)
    other = randomised(make_model())
    assert (folded_maps(model, image) - folded_maps(other, image)).abs().max() > 1e-3


@pytest.mark.parametrize(
    "config",
    [
        SSGConfig(hidden_dim=8, heads=4),
        SSGConfig(hidden_dim=8, heads=2, iterations=3, link_mode="mean"),
        SSGConfig(hidden_dim=8, heads=1, iterations=0),
    ],
    ids=["four heads", "three iterations", "no refinement"],
)
def test_other_ssg_configurations_are_folded(make_model, config):
    assert_equal(randomised(make_model(ssg=config)), 128, 64)


def test_vae_without_1x1_convolutions_is_folded(model):
    model.vae.quant_conv = model.vae.post_quant_conv = None
    assert_equal(model, 128, 64)


def test_sides_that_do_not_halve_evenly_are_folded_without_transposed_convolutions(model):
    assert_equal(model, 72, 88)  # latent 9x11
    with pytest.raises(ValueError, match="transposed"):
        folded_maps(model, smooth_image(72, 88), transposed=True)


def test_images_of_a_batch_are_independent(model):
    image = torch.cat([smooth_image(128, 64, seed) for seed in range(3)])
    batch = folded_maps(model, image)
    for i in range(3):
        alone = folded_maps(model, image[i : i + 1])
        torch.testing.assert_close(alone[0], batch[i], rtol=0, atol=1e-4)


# ---------------------------------------------------------------------------- original model


def test_model_is_unchanged_and_large_weights_are_shared(model):
    before = copy.deepcopy(model.state_dict())
    kept = list(model.parameters())  # kept alive, so that no address is used twice
    own = {p.data_ptr() for p in kept}
    folded = specialise(model, transposed=False)
    for name, values in model.state_dict().items():
        assert torch.equal(values, before[name])
    fresh = sum(p.numel() for p in folded.parameters() if p.data_ptr() not in own)
    total = sum(p.numel() for p in folded.parameters())
    assert total < sum(p.numel() for p in kept)
    assert fresh < total / 5


def test_folding_in_float16_rounds_only_once(model):
    half = specialise(copy.deepcopy(model).half())
    full = specialise(copy.deepcopy(model).half().double())
    for (name, a), b in zip(half.named_parameters(), full.parameters(), strict=True):
        assert torch.equal(a, b.half()), name


def test_tiny_preset_with_trained_batch_norms_is_equal():
    model = randomised(JasmineModel.from_preset("tiny"), 0.02)
    for name, statistic in model.adapter.named_buffers():
        if "running" in name:  # folded with the convolutions
            statistic.add_(
                0.1 * torch.rand(statistic.shape, generator=torch.Generator().manual_seed(2))
            )
    assert_equal(model, 128, 64)
