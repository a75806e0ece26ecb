# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from jasmine_core.config import from_mapping
from jasmine_core.errors import CheckpointError, ConfigError
from jasmine_core.model.checkpoint import fill
from jasmine_core.model.resnet import (
    RESNET18,
    SMALL_ENCODER,
    EncoderConfig,
    ResNetEncoder,
    encoder_weights,
)

torch.set_num_threads(1)


def norm_names(prefix):
    kinds = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    return [f"{prefix}.{kind}" for kind in kinds]


def torchvision_resnet18_names():
    """Return the keys of torchvision's resnet18 without its classifier."""
    names = ["conv1.weight", *norm_names("bn1")]
    for layer in (1, 2, 3, 4):
        for block in (0, 1):
            at = f"layer{layer}.{block}"
            for i in (1, 2):
                names += [f"{at}.conv{i}.weight", *norm_names(f"{at}.bn{i}")]
            if layer > 1 and block == 0:
                names += [f"{at}.downsample.0.weight", *norm_names(f"{at}.downsample.1")]
    return names


def test_layers_have_the_names_of_torchvision():
    state = ResNetEncoder(RESNET18).state_dict()
    assert sorted(state) == sorted(torchvision_resnet18_names())
    assert len(state) == 120
    assert state["conv1.weight"].shape == (64, 3, 7, 7)
    assert state["layer4.0.downsample.0.weight"].shape == (512, 256, 1, 1)


def test_number_of_parameters_of_resnet18():
    encoder = ResNetEncoder(RESNET18)
    assert sum(p.numel() for p in encoder.parameters()) == 11_689_512 - 513_000  # fc is 512 x 1000


@pytest.mark.parametrize("config", [RESNET18, SMALL_ENCODER])
def test_features_halve_in_size(config):
    features = ResNetEncoder(config, frames=2)(torch.rand(2, 6, 64, 128))
    expected = [(2, c, 64 >> i, 128 >> i) for i, c in enumerate(config.widths, start=1)]
    assert [tuple(f.shape) for f in features] == expected


def test_two_equal_images_give_the_features_of_one():
    single, double = ResNetEncoder(RESNET18).eval(), ResNetEncoder(RESNET18, frames=2).eval()
    weights = dict(single.state_dict())
    weights |= {"fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}
    fill(double, encoder_weights(weights, frames=2), "resnet18.pth")
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        for a, b in zip(single(image), double(torch.cat([image, image], 1)), strict=True):
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)


def test_weights_of_two_frames_are_unchanged():
    weights = ResNetEncoder(RESNET18, frames=2).state_dict()
    fitted = encoder_weights(weights, frames=2)
    assert all(torch.equal(fitted[name], tensor) for name, tensor in weights.items())


def test_two_nets_from_one_file_share_no_memory():
    weights = ResNetEncoder(SMALL_ENCODER).state_dict()
    one, other = ResNetEncoder(SMALL_ENCODER), ResNetEncoder(SMALL_ENCODER)
    for encoder in (one, other):
        fill(encoder, encoder_weights(weights), "small.pth")
    with torch.no_grad():
        one.bn1.weight.zero_()
    assert (other.bn1.weight == 1).all() and (weights["bn1.weight"] == 1).all()


def test_batch_counters_may_be_missing():
    encoder = ResNetEncoder(RESNET18)
    old = {k: v for k, v in encoder.state_dict().items() if not k.endswith("num_batches_tracked")}
    fill(encoder, encoder_weights(old), "old.pth")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("layer3.1.bn2.running_var"), "lacks layer3.1.bn2.running_var"),
        (lambda w: w.update({"layer1.0.conv1.weight": torch.zeros(64, 64, 1, 1)}), "expected"),
        (lambda w: w.update({"layer5.0.conv1.weight": torch.zeros(1)}), "unknown layer5"),
    ],
)
def test_other_weights_are_refused(change, message):
    encoder = ResNetEncoder(RESNET18)
    weights = dict(encoder.state_dict())
    change(weights)
    with pytest.raises(CheckpointError, match=message):
        fill(encoder, encoder_weights(weights), "resnet18.pth")


def test_group_norm_treats_images_independently():
    encoder = ResNetEncoder(SMALL_ENCODER).train()
    images = torch.rand(3, 3, 64, 64)
    for both, alone in zip(encoder(images), encoder(images[:1]), strict=True):
        torch.testing.assert_close(both[:1], alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"widths": [64, 64, 128, 256]}, "five widths"),
        ({"blocks": [2, 2, 0, 2]}, "five widths"),
        ({"widths": [12, 16, 24, 32, 40], "norm": "group"}, "multiples of 8"),
        ({"norm": "layer"}, "layer"),
    ],
)
def test_invalid_shapes_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        from_mapping(EncoderConfig, values, "recipe.yaml")


def test_images_are_normalised_first():
    encoder, seen = ResNetEncoder(SMALL_ENCODER), []
    encoder.conv1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    encoder(torch.tensor([0.0, 0.45, 0.9])[None, :, None, None].expand(1, 3, 64, 64))
    torch.testing.assert_close(seen[0][0, :, 5, 5], torch.tensor([-2.0, 0.0, 2.0]))
