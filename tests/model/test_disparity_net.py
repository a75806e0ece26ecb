# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import json
from dataclasses import replace

import pytest
import torch

from jasmine_core.config import from_mapping, to_mapping
from jasmine_core.errors import CheckpointError, ConfigError
from jasmine_core.model.disparity_net import (
    LITE_DISPARITY_NET,
    SMALL_DISPARITY_NET,
    DisparityConfig,
    DisparityNet,
)
from jasmine_core.model.resnet import RESNET18, EncoderConfig, ResNetEncoder

torch.set_num_threads(1)

TINY = DisparityConfig(
    height=64,
    width=64,
    encoder=EncoderConfig((8, 8, 16, 16, 24), (1, 1, 1, 1), norm="group"),
    decoder=(16, 8, 8, 8, 8),
    metres_per_unit=27.5,
    description="a test",
)


def parameters(net):
    return sum(p.numel() for p in net.parameters())


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    net = DisparityNet(TINY)
    net.save_pretrained(tmp_path / "net")
    return tmp_path / "net", net.eval()


@pytest.mark.parametrize("config", [TINY, SMALL_DISPARITY_NET, replace(TINY, decoder=(16, 8, 8))])
def test_disparity_has_the_size_of_the_image_and_is_in_0_to_1(config):
    image = torch.rand(2, 3, 64, 96)
    net = DisparityNet(config)
    disparity = net(image)
    assert disparity.shape == (2, 1, 64, 96)
    assert disparity.min() > 0 and disparity.max() < 1
    torch.testing.assert_close(net.depth(image), 1 / (0.01 + 9.99 * disparity))


def test_number_of_parameters():
    assert 1e6 < parameters(DisparityNet(SMALL_DISPARITY_NET)) < 2e6
    full = DisparityNet(DisparityConfig())
    # monodepth2's ResNet-18 depth net has 14.84 M with fc and heads at three coarser sizes.
    assert parameters(full) == 14_842_236 - 513_000 - sum(9 * c + 1 for c in (32, 64, 128))


def test_an_untrained_net_predicts_the_middle_of_its_range():
    torch.manual_seed(0)
    depth = DisparityNet(SMALL_DISPARITY_NET).depth(torch.rand(1, 3, 64, 96))
    assert 0.4 < depth.median() < 0.8


def test_every_parameter_has_a_gradient():
    net = DisparityNet(TINY)
    net.depth(torch.rand(1, 3, 64, 64)).square().mean().backward()
    assert all(p.grad is not None and (p.grad != 0).any() for p in net.parameters())


def test_bf16_keeps_the_disparity_in_float32():
    torch.manual_seed(0)
    net, image = DisparityNet(TINY), torch.rand(1, 3, 64, 64)
    plain = net(image)
    with torch.autocast("cpu", torch.bfloat16):
        cast = net(image)
    assert cast.dtype == torch.float32
    torch.testing.assert_close(cast, plain, atol=0.02, rtol=0)


@pytest.mark.parametrize("size", [(64, 90), (60, 96), (32, 96)])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match=f"{size[1]}x{size[0]}"):
        DisparityNet(TINY)(torch.rand(1, 3, *size))


def test_imagenet_weights_initialize_the_encoder(tmp_path):
    net = DisparityNet(DisparityConfig())
    weights = ResNetEncoder(RESNET18).state_dict() | {"fc.bias": torch.zeros(1000)}
    net.load_imagenet(weights, tmp_path / "resnet18.pth")
    assert torch.equal(net.encoder.conv1.weight, weights["conv1.weight"])


# ---------------------------------------------------------------------- folders


def test_saved_net_is_restored(folder):
    path, net = folder
    loaded = DisparityNet.from_pretrained(path)
    assert loaded.config == TINY and not loaded.training
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(loaded(image), net(image))
    assert sorted(p.name for p in path.iterdir()) == ["config.json", "model.safetensors"]


def test_config_is_restored_from_its_file():
    assert from_mapping(DisparityConfig, to_mapping(TINY), "x") == TINY


def change_config(path, **values):
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | values))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"decoder": [16, 8, 8, 8]}, "unknown"),
        ({"decoder": [16, 8, 8, 8, 16]}, r"expected \[16, 8, 3, 3\]"),
        ({"decoder": []}, "one to five"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_config_of_another_net_is_refused(folder, values, message):
    path, _ = folder
    change_config(path, **values)
    with pytest.raises(CheckpointError, match=message):
        DisparityNet.from_pretrained(path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_missing_file_is_named(folder, name):
    path, _ = folder
    (path / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        DisparityNet.from_pretrained(path)


def test_truncated_file_is_refused(folder):
    path, _ = folder
    file = path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged"):
        DisparityNet.from_pretrained(path)


def test_invalid_decoder_is_refused():
    with pytest.raises(ConfigError, match="one to five"):
        DisparityConfig(decoder=(8,) * 6)


@pytest.fixture(scope="module")
def lite():
    torch.manual_seed(0)
    return DisparityNet(LITE_DISPARITY_NET).eval()


def test_log_depth_starts_at_the_first_guess_and_is_unbounded(lite):
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        depth = lite.depth(image)
        assert depth.shape == (1, 1, 64, 96)
        assert 0.3 < depth.median() < 1.2
        head = lite.head[-1]
        before = head.bias.clone()
        head.bias += 8.0  # e^8 times as far: beyond the depth at disparity 0
        assert torch.allclose(lite.depth(image), depth * torch.exp(torch.tensor(8.0)), rtol=1e-3)
        head.bias.copy_(before)


def test_net_of_log_depth_is_restored_from_its_folder(lite, tmp_path):
    lite.save_pretrained(tmp_path / "lite")
    loaded = DisparityNet.from_pretrained(tmp_path / "lite")
    assert loaded.config == lite.config
    image = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(loaded.depth(image), lite.depth(image))
