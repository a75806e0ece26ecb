# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from jasmine_core.errors import CheckpointError
from jasmine_core.model.posenet import SMALL_POSENET, PoseNet, PoseNetConfig, source_poses
from jasmine_core.model.resnet import RESNET18, ResNetEncoder

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def posenet():
    torch.manual_seed(0)
    return PoseNet(PoseNetConfig()).eval()


@pytest.fixture
def converted(posenet):
    """Return the tensors of the authors' two files, combined as by `jasmine convert`."""
    weights = {name: tensor.clone() for name, tensor in posenet.state_dict().items()}
    return weights | {
        "encoder.fc.weight": torch.zeros(1000, 512),
        "encoder.fc.bias": torch.zeros(1000),
    }


def images(count=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(2, 3, 64, 96, generator=generator) for _ in range(count)]


def test_decoder_has_the_names_and_shapes_of_monodepth2(posenet):
    shapes = {name: tuple(tensor.shape) for name, tensor in posenet.decoder.state_dict().items()}
    assert shapes == {
        "net.0.weight": (256, 512, 1, 1),
        "net.0.bias": (256,),
        "net.1.weight": (256, 256, 3, 3),
        "net.1.bias": (256,),
        "net.2.weight": (256, 256, 3, 3),
        "net.2.bias": (256,),
        "net.3.weight": (12, 256, 1, 1),
        "net.3.bias": (12,),
    }
    assert posenet.encoder.state_dict()["conv1.weight"].shape == (64, 6, 7, 7)


def test_number_of_parameters(posenet):
    decoder = 512 * 256 + 256 + 2 * (9 * 256 * 256 + 256) + 256 * 12 + 12
    encoder = 11_689_512 - 513_000 + 7 * 7 * 3 * 64  # without fc, with a second image
    assert sum(p.numel() for p in posenet.parameters()) == encoder + decoder
    small = PoseNet(SMALL_POSENET)
    assert 0.5e6 < sum(p.numel() for p in small.parameters()) < 1e6


def test_untrained_net_predicts_almost_no_motion(posenet):
    axis_angle, translation = posenet(*images())
    assert axis_angle.shape == translation.shape == (2, 3)
    assert 0 < axis_angle.abs().max() < 0.1
    assert 0 < translation.abs().max() < 0.1


def test_output_is_a_hundredth_of_the_first_half_of_the_last_layer(posenet):
    net = PoseNet(SMALL_POSENET)
    with torch.no_grad():
        net.decoder.net[3].weight.zero_()
        net.decoder.net[3].bias.copy_(torch.arange(12.0))
    axis_angle, translation = net(*images())
    torch.testing.assert_close(axis_angle[0], torch.tensor([0.0, 0.01, 0.02]))
    torch.testing.assert_close(translation[1], torch.tensor([0.03, 0.04, 0.05]))


class TellsOrder(nn.Module):
    """Return a motion along x by the difference in brightness; later images are brighter."""

    def forward(self, first, second):
        brighter = (second - first).mean((1, 2, 3))
        turn = torch.zeros(len(first), 3)
        turn[:, 2] = brighter / 2
        return turn, torch.stack([brighter, 0 * brighter, 0 * brighter], dim=1)


def test_earlier_source_gets_the_inverse_of_the_forward_motion():
    before, now, after = (torch.full((2, 3, 4, 4), value) for value in (0.1, 0.4, 0.9))
    T_before_now, T_after_now = source_poses(TellsOrder(), now, [before, after], [-1, 1])
    forward = TellsOrder()(before, now)  # always in the order of time
    assert forward[1][0, 0] == pytest.approx(0.3)
    (T_now_before,) = source_poses(TellsOrder(), before, [now], [1])
    torch.testing.assert_close(T_now_before[0, :3, 3], torch.tensor([0.3, 0, 0]))
    torch.testing.assert_close(T_before_now @ T_now_before, torch.eye(4).expand(2, 4, 4))
    torch.testing.assert_close(T_after_now[0, :3, 3], torch.tensor([0.5, 0, 0]))


def test_all_sources_are_processed_in_one_batch(posenet):
    now, before, after = images(3)
    calls = []
    hook = posenet.register_forward_hook(lambda *_: calls.append(1))
    in_one_batch = source_poses(posenet, now, [before, after], [-1, 1])
    hook.remove()
    assert len(calls) == 1
    for T, source, offset in zip(in_one_batch, (before, after), (-1, 1), strict=True):
        (alone,) = source_poses(posenet, now, [source], [offset])
        torch.testing.assert_close(T, alone, atol=1e-6, rtol=1e-4)


def test_bf16_gives_float32_motions():
    net = PoseNet(SMALL_POSENET)
    plain = source_poses(net, *(lambda a, b: (a, [b], [1]))(*images()))[0]
    with torch.autocast("cpu", torch.bfloat16):
        cast = source_poses(net, *(lambda a, b: (a, [b], [1]))(*images()))[0]
    assert cast.dtype == torch.float32
    torch.testing.assert_close(cast, plain, atol=1e-3, rtol=0)


# ---------------------------------------------------------------------- weights


def test_weights_of_the_authors_are_loaded(posenet, converted, tmp_path):
    fresh = PoseNet(PoseNetConfig()).eval()
    fresh.load_weights(converted, tmp_path)
    with torch.inference_mode():
        for a, b in zip(posenet(*images()), fresh(*images()), strict=True):
            torch.testing.assert_close(a, b)


def test_folder_without_config_has_the_shape_of_the_authors(converted, posenet, tmp_path):
    save_file(converted, tmp_path / "model.safetensors")
    loaded = PoseNet.from_pretrained(tmp_path)
    assert loaded.config == PoseNetConfig() and not loaded.training
    assert torch.equal(loaded.decoder.net[3].weight, posenet.decoder.net[3].weight)


def test_small_net_is_saved_with_its_shape(tmp_path):
    net = PoseNet(SMALL_POSENET)
    net.save_pretrained(tmp_path / "posenet")
    loaded = PoseNet.from_pretrained(tmp_path / "posenet")
    assert loaded.config == SMALL_POSENET
    assert all(
        torch.equal(a, b) for a, b in zip(net.parameters(), loaded.parameters(), strict=True)
    )


def test_imagenet_weights_initialize_the_encoder(tmp_path):
    single = ResNetEncoder(RESNET18).state_dict() | {"fc.bias": torch.zeros(1000)}
    net = PoseNet(PoseNetConfig())
    net.load_imagenet(single, tmp_path / "resnet18.pth")
    halves = net.encoder.state_dict()["conv1.weight"].chunk(2, dim=1)
    assert all(torch.equal(half, single["conv1.weight"] / 2) for half in halves)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("decoder.net.2.bias"), "lacks decoder.net.2.bias"),
        (lambda w: w.pop("encoder.layer2.0.downsample.1.running_mean"), "lacks"),
        (
            lambda w: w.update({"decoder.net.3.weight": torch.zeros(6, 256, 1, 1)}),
            r"\[6, 256, 1, 1\]",
        ),
        (lambda w: w.update({"decoder.net.4.weight": torch.zeros(1)}), "unknown decoder.net.4"),
    ],
)
def test_missing_and_misshapen_tensors_are_refused(converted, tmp_path, change, message):
    change(converted)
    with pytest.raises(CheckpointError, match=message):
        PoseNet(PoseNetConfig()).load_weights(converted, tmp_path)
