# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Scale-Shift GRU: comparison with a second implementation of its equations, and invariants."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from jasmine_core.config import read_config
from jasmine_core.errors import ConfigError
from jasmine_core.model.ssg import ScaleShiftGRU, ScaleShiftHead, SSGConfig

torch.set_num_threads(1)

SMALL = SSGConfig(hidden_dim=8, heads=2)

# Names and shapes of the authors' released weights at hidden size 64.
SHAPES = {
    "project": (64, 3, 1, 1),
    "depth_encoder.convd1": (32, 1, 7, 7),
    **{f"depth_encoder.convd{i}": (32, 32, 3, 3) for i in (2, 3, 4)},
    "context_encoder.convc1": (32, 4, 7, 7),
    **{f"context_encoder.convc{i}": (32, 32, 3, 3) for i in (2, 3, 4)},
    "d_head.conv1": (64, 64, 3, 3),
    "d_head.conv2": (1, 64, 3, 3),
    **{f"gru.conv{gate}1": (64, 128, 1, 5) for gate in "zrq"},
    **{f"gru.conv{gate}2": (64, 128, 5, 1) for gate in "zrq"},
    "ss_head.attn.out_proj": (64, 64),
    **{f"ss_head.{kind}_head.0": (64, 64) for kind in ("scale", "shift")},
    **{f"ss_head.{kind}_head.2": (1, 64) for kind in ("scale", "shift")},
}
PARAMETERS = {
    "project": 256,
    "depth_encoder": 29_344,
    "context_encoder": 34_048,
    "gru": 246_144,
    "d_head": 37_505,
    "ss_head": 25_218,
}


def build(config: SSGConfig = SMALL, seed: int = 0, spread: float = 0.1) -> ScaleShiftGRU:
    """Build a GRU with random parameters; initial biases of zero would hide errors."""
    torch.manual_seed(seed)
    ssg = ScaleShiftGRU(config).eval()
    with torch.no_grad():
        for parameter in ssg.parameters():
            parameter.add_(spread * torch.randn_like(parameter))
    return ssg


def inputs(batch: int = 2, h: int = 2, w: int = 3, scale: int = 8, seed: int = 1):
    generator = torch.Generator().manual_seed(seed)
    latent = torch.randn(batch, 4, h, w, generator=generator)
    decoded = 0.7 * torch.randn(batch, 3, scale * h, scale * w, generator=generator)
    return latent, decoded


# ---------------------------------------------------------------------------- its shape


def test_names_and_shapes_equal_those_of_the_released_weights():
    expected = {f"{name}.weight": shape for name, shape in SHAPES.items()}
    expected |= {f"{name}.bias": (shape[0],) for name, shape in SHAPES.items()}
    expected |= {
        "ss_head.scale_query": (1, 64),
        "ss_head.shift_query": (1, 64),
        "ss_head.attn.in_proj_weight": (192, 64),
        "ss_head.attn.in_proj_bias": (192,),
    }
    ssg = ScaleShiftGRU(SSGConfig())
    assert {name: tuple(t.shape) for name, t in ssg.state_dict().items()} == expected


def test_number_of_parameters():
    ssg = ScaleShiftGRU(SSGConfig())
    counts = {
        name: sum(p.numel() for p in block.parameters()) for name, block in ssg.named_children()
    }
    assert counts == PARAMETERS
    assert sum(p.numel() for p in ssg.parameters() if p.requires_grad) == 372_515


# ---------------------------------------------------------------------------- its equations


def restated(ssg: ScaleShiftGRU, latent, decoded, mean: bool = False):
    """Compute the forward pass from the weights alone, with the attention of torch."""
    w, config = ssg.state_dict(), ssg.config

    def conv(name, x, padding):
        return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], padding=padding)

    def linear(name, x):
        return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    attention = torch.nn.MultiheadAttention(config.hidden_dim, config.heads)
    prefix = "ss_head.attn."
    attention.load_state_dict(
        {k.removeprefix(prefix): v for k, v in w.items() if k.startswith(prefix)}
    )

    c = F.relu(conv("context_encoder.convc1", latent, 3))
    for step in range(2, 2 + int(config.latent_scale).bit_length() - 1):
        c = F.interpolate(c, scale_factor=2, mode="bilinear", align_corners=False)
        c = F.relu(conv(f"context_encoder.convc{step}", c, 1))

    first = decoded.mean(dim=1, keepdim=True) if mean else decoded[:, 0:1]
    d = first.clamp(-1, 1) / 2 + 0.5
    h = torch.tanh(conv("project", decoded, 0))
    maps = [d]
    for _ in range(config.iterations):
        tokens = h.flatten(2).permute(2, 0, 1)  # [HW,B,C]
        queries = torch.stack([w["ss_head.scale_query"], w["ss_head.shift_query"]])
        seen, _weights = attention(queries.expand(2, len(h), -1), tokens, tokens)
        s_c, s_h = (
            linear(f"{head}.2", F.relu(linear(f"{head}.0", row))).reshape(-1, 1, 1, 1)
            for head, row in zip(("ss_head.scale_head", "ss_head.shift_head"), seen, strict=True)
        )
        d = d * s_c + s_h
        x = d
        for layer, padding in ((1, 3), (2, 1), (3, 1), (4, 1)):
            x = F.relu(conv(f"depth_encoder.convd{layer}", x, padding))
        x = torch.cat([x, c], dim=1)
        for direction, padding in ((1, (0, 2)), (2, (2, 0))):
            z = torch.sigmoid(conv(f"gru.convz{direction}", torch.cat([h, x], 1), padding))
            r = torch.sigmoid(conv(f"gru.convr{direction}", torch.cat([h, x], 1), padding))
            q = torch.tanh(conv(f"gru.convq{direction}", torch.cat([r * h, x], 1), padding))
            h = (1 - z) * h + z * q
        residual = torch.tanh(conv("d_head.conv2", F.relu(conv("d_head.conv1", h, 1)), 1))
        d = (d + residual).clamp(0, config.depth_max)
        maps.append(d)
    return maps


@pytest.mark.parametrize(
    "config",
    [
        SSGConfig(),
        SMALL,
        dataclasses.replace(SMALL, iterations=3, depth_max=0.9),
        dataclasses.replace(SMALL, latent_scale=4, latent_channels=4, heads=4),
    ],
    ids=["released size", "small", "three iterations", "other latent scale"],
)
@torch.no_grad()
def test_outputs_follow_the_equations(config):
    ssg = build(config, spread=0.1 if config.hidden_dim == 8 else 0.05)
    latent, decoded = inputs(scale=config.latent_scale)
    got, expected = ssg(latent, decoded), restated(ssg, latent, decoded)
    assert len(got) == 1 + config.iterations
    for ours, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    # Nothing is validated by maps that the clamp made constant.
    for map_ in got:
        assert map_.std() > 0.02
        assert ((map_ > 0) & (map_ < config.depth_max)).float().mean() > 0.1


@torch.no_grad()
def test_link_mode_selects_the_map():
    latent, decoded = inputs()
    first, mean = (build(dataclasses.replace(SMALL, link_mode=mode)) for mode in ("first", "mean"))
    torch.testing.assert_close(first(latent, decoded)[0], decoded[:, :1].clamp(-1, 1) / 2 + 0.5)
    expected = restated(mean, latent, decoded, mean=True)
    for ours, theirs in zip(mean(latent, decoded), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    assert not torch.allclose(first(latent, decoded)[0], mean(latent, decoded)[0], atol=0.05)


@settings(max_examples=25)
@given(st.integers(0, 2**16), st.floats(0, 50), st.floats(-20, 20))
@torch.no_grad()
def test_maps_stay_in_their_ranges_for_any_input(seed, spread, offset):
    latent, decoded = inputs(batch=1, seed=seed)
    ssi, *depths = build(seed=seed)(spread * latent, spread * decoded + offset)
    assert ssi.min() >= 0 and ssi.max() <= 1
    for depth in depths:
        assert torch.isfinite(depth).all()
        assert depth.min() >= 0 and depth.max() <= 3


@torch.no_grad()
def test_images_of_a_batch_are_independent():
    ssg = build()
    latent, decoded = inputs(batch=3)
    batch = ssg(latent, decoded)
    for i in range(3):
        alone = ssg(latent[i : i + 1], decoded[i : i + 1])
        for one, all_ in zip(alone, batch, strict=True):
            torch.testing.assert_close(one[0], all_[i], rtol=0, atol=1e-5)
    assert (batch[-1][0] - batch[-1][1]).abs().max() > 0.01


# ---------------------------------------------------------------------------- its gradients


def test_no_gradient_passes_through_the_depth_from_one_iteration_to_another():
    ssg = build()
    latent, decoded = inputs()
    decoded.requires_grad_()
    ssi, first, second = ssg(latent, decoded)
    for later, earlier in ((second, first), (second, ssi), (first, ssi)):
        (gradient,) = torch.autograd.grad(
            later.sum(), earlier, retain_graph=True, allow_unused=True
        )
        assert gradient is None


def test_gradient_reaches_the_image_through_the_hidden_state():
    ssg = build()
    latent, decoded = inputs()
    decoded.requires_grad_()
    maps = ssg(latent, decoded)
    for depth in maps[1:]:
        (gradient,) = torch.autograd.grad(depth.sum(), decoded, retain_graph=True)
        assert (gradient.abs().amax(dim=(0, 2, 3)) > 0).all()  # all three channels
    # The ssi map is the clamped first channel and no more.
    (gradient,) = torch.autograd.grad(maps[0].sum(), decoded)
    inside = (decoded.detach().abs() < 1).float()
    torch.testing.assert_close(gradient[:, :1], inside[:, :1] / 2)
    assert (gradient[:, 1:] == 0).all()


def test_hidden_state_keeps_its_gradient_where_the_decoder_leaves_the_range():
    ssg = build(spread=0.02)
    latent, decoded = inputs()
    decoded = (decoded + 1.5).requires_grad_()  # clamped as an ssi map, alive in tanh(project)
    ssg(latent, decoded)[-1].sum().backward()
    beyond = decoded.detach()[:, 0] > 1
    assert beyond.any()
    assert (decoded.grad[:, 0][beyond] != 0).float().mean() > 0.9


# ---------------------------------------------------------------------------- its beginning


def test_initial_scale_is_0541_and_the_shift_is_zero():
    torch.manual_seed(0)
    head = ScaleShiftGRU(SSGConfig()).ss_head
    assert head.scale_head[-1].bias.item() == pytest.approx(0.541)
    assert head.shift_head[-1].bias.item() == 0
    with torch.no_grad():
        scale, shift = head(torch.tanh(torch.randn(2, 64, 8, 8)))
    assert scale.shape == shift.shape == (2, 1, 1, 1)
    torch.testing.assert_close(scale, torch.full_like(scale, 0.541), rtol=0, atol=0.05)
    torch.testing.assert_close(shift, torch.zeros_like(shift), rtol=0, atol=0.05)


def test_initial_weights_have_the_specified_spread():
    torch.manual_seed(0)
    ssg = ScaleShiftGRU(SSGConfig())
    std = {name: p.std().item() for name, p in ssg.named_parameters() if p.numel() > 1000}
    for name in SHAPES:
        out, fan_in, *kernel = SHAPES[name]
        area = int(torch.tensor(kernel).prod()) if kernel else 1
        if name.startswith(("depth_encoder", "context_encoder", "d_head.conv1")):
            assert std[f"{name}.weight"] == pytest.approx((2 / (out * area)) ** 0.5, rel=0.07), name
        elif name.startswith("gru"):
            bound = (6 / (area * (out + fan_in))) ** 0.5
            assert std[f"{name}.weight"] == pytest.approx(bound / 3**0.5, rel=0.03), name
            assert ssg.get_parameter(f"{name}.weight").abs().max() <= bound
        elif name.endswith("head.0"):
            assert std[f"{name}.weight"] == pytest.approx((2 / 64) ** 0.5, rel=0.07), name
    for head in (ssg.ss_head.scale_head, ssg.ss_head.shift_head):
        assert head[-1].weight.std().item() == pytest.approx(0.01 * (2 / 65) ** 0.5, rel=0.3)
    queries = torch.cat([ssg.ss_head.scale_query, ssg.ss_head.shift_query])
    assert 0.8 < queries.std() < 1.2
    assert queries.abs().max() > 2  # normal, not truncated
    biases = [
        p for name, p in ssg.named_parameters() if "bias" in name and "scale_head" not in name
    ]
    assert all((bias == 0).all() for bias in biases)


# ---------------------------------------------------------------------------- its precision


def half_head(dtype: torch.dtype, sharpness: float) -> tuple[ScaleShiftHead, ScaleShiftHead]:
    """Return a head in a 16-bit type, and one with the same weights in float32."""
    torch.manual_seed(0)
    head = ScaleShiftHead(8, 2)
    with torch.no_grad():
        head.scale_query.mul_(sharpness)
        head.shift_query.mul_(sharpness)
        head.attn.in_proj_weight[8:16].mul_(max(1, sharpness / 50))  # keys
        for mlp in (head.scale_head, head.shift_head):
            mlp[-1].weight.mul_(300)  # initial heads hardly depend on their input
    head = head.to(dtype)
    exact = ScaleShiftHead(8, 2)
    exact.load_state_dict({k: v.float() for k, v in head.state_dict().items()})
    return head, exact


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=["fp16", "bf16"])
@pytest.mark.parametrize("sharpness", [0.01, 3000], ids=["flat", "peaked"])
@torch.no_grad()
def test_attention_over_many_pixels_is_accurate_in_16_bits(dtype, sharpness):
    # 320x1024 pixels as in the paper. Flat scores: equal terms whose sum and shares float16 cannot
    # represent exactly. Peaked scores: values beyond the range of float16.
    head, exact = half_head(dtype, sharpness)
    hidden = torch.tanh(torch.randn(1, 8, 320, 1024, generator=torch.Generator().manual_seed(2)))
    hidden = (hidden + 0.5).to(dtype)
    for short, full in zip(head(hidden), exact(hidden.float()), strict=True):
        assert short.dtype == dtype
        tolerance = 1e-3 if dtype == torch.float16 and sharpness < 1 else 0.03
        torch.testing.assert_close(short.float(), full, rtol=tolerance, atol=tolerance)


@torch.no_grad()
def test_softmax_stays_exact_under_autocast():
    head, _ = half_head(torch.float32, 1)
    hidden = torch.tanh(torch.randn(1, 8, 64, 64, generator=torch.Generator().manual_seed(2)))
    exact = head(hidden)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        short = head(hidden)
    for a, b in zip(short, exact, strict=True):
        torch.testing.assert_close(a.float(), b, rtol=0.03, atol=0.03)


def test_unknown_link_mode_is_refused(tmp_path):
    file = tmp_path / "config.json"
    file.write_text('{"link_mode": "frist"}')
    with pytest.raises(ConfigError, match="link_mode"):
        read_config(SSGConfig, file)
