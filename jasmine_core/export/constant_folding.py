# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Exact constant folding: a linear map after a convolution, an upsampling before one.

Folded weights are computed in float64 from the original weights, layer by layer, and rounded once
to the type of the layer. Unchanged modules are shared with the original model instead of copied,
so that the large weights are in memory only once.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, TypeVar

import torch
from diffusers.models.upsampling import Upsample2D
from torch import Tensor, nn
from torch.nn import functional as F

Part = TypeVar("Part", bound=nn.Module)


def shared_copy(module: Part) -> Part:
    """Return a copy of a tree of modules that shares its tensors; its layers can be replaced."""
    shared: dict[int, Any] = {id(t): t for t in (*module.parameters(), *module.buffers())}
    return copy.deepcopy(module, shared)


def parameter(values: Tensor, like: Tensor) -> nn.Parameter:
    """Return folded values as a parameter, rounded to the type of the weights they replace."""
    return nn.Parameter(values.detach().to(like).contiguous(), requires_grad=False)


def linear(weight: Tensor, bias: Tensor | None, like: Tensor) -> nn.Linear:
    """Return a linear layer with these weights [O,I], rounded to the type of `like`."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias is not None, device="meta")
    layer.weight = parameter(weight, like)
    if bias is not None:
        layer.bias = parameter(bias, like)
    return layer


def convolution(old: nn.Conv2d, weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    """Return a convolution with the kernel size, stride and padding of `old`, weights [O,I,k,k]."""
    outputs, inputs = weight.shape[:2]
    new = nn.Conv2d(
        inputs,
        outputs,
        old.kernel_size,  # type: ignore[arg-type]
        old.stride,  # type: ignore[arg-type]
        old.padding,  # type: ignore[arg-type]
        bias=bias is not None,
        device="meta",
    )
    new.weight = parameter(weight, old.weight)
    if bias is not None:
        new.bias = parameter(bias, old.weight)
    return new


def before_affine(conv: nn.Conv2d, matrix: Tensor, offset: Tensor) -> nn.Conv2d:
    """Fold the pixelwise map y -> matrix y + offset ([O,C], [O]) into the convolution before it."""
    assert conv.bias is not None
    weight = torch.einsum("oc,cikl->oikl", matrix, conv.weight.double())
    return convolution(conv, weight, matrix @ conv.bias.double() + offset)


def pixelwise(conv: nn.Conv2d | None, channels: int) -> tuple[Tensor, Tensor]:
    """Return a 1x1 convolution as (matrix [O,C], offset [O]) in float64; None is the identity."""
    if conv is None:
        return torch.eye(channels, dtype=torch.float64), torch.zeros(channels, dtype=torch.float64)
    assert conv.bias is not None
    return conv.weight[:, :, 0, 0].double(), conv.bias.double()


def per_head(values: Tensor, dim: int, heads: int) -> Tensor:
    """Split dimension `dim` of size heads*d into two dimensions (heads, d)."""
    shape = list(values.shape)
    shape[dim : dim + 1] = [heads, shape[dim] // heads]
    return values.reshape(shape)


class TransposedUpsampling(nn.Module):
    """Nearest upsampling by 2 and a 3x3 convolution as one transposed convolution (4x4, stride 2).

    The 3x3 window on the upsampled map covers only four pixels of the small map; the weights of
    equal pixels are summed beforehand.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        outputs, inputs = conv.weight.shape[:2]
        flipped = conv.weight.double().flip(2, 3)
        kernel = flipped.new_zeros(outputs, inputs, 4, 4)
        for row in (0, 1):  # each pixel of the small map is repeated four times in the large one
            for column in (0, 1):
                kernel[:, :, row : row + 3, column : column + 3] += flipped
        self.conv = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, device="meta")
        self.conv.weight = parameter(kernel.transpose(0, 1), conv.weight)
        assert conv.bias is not None
        self.conv.bias = parameter(conv.bias, conv.weight)

    def forward(self, hidden_states: Tensor, output_size: Any = None) -> Tensor:
        """Return the convolved map [B,O,2H,2W]."""
        if output_size is not None:
            raise ValueError(
                f"a transposed convolution cannot produce the output size {tuple(output_size)}; "
                "choose an image size that halves evenly, or export without --transposed"
            )
        upsampled: Tensor = self.conv(hidden_states)
        return upsampled


def transpose_upsamplings(module: nn.Module) -> None:
    """Replace every upsampling that is followed by a convolution, in place."""
    for parent, name, child in list(children_of(module)):
        if isinstance(child, Upsample2D) and child.interpolate and child.use_conv:
            setattr(parent, name, TransposedUpsampling(child.conv))


def children_of(module: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Module]]:
    """Yield (parent, name, child) for every module of a tree, parents before their children."""
    for name, child in module.named_children():
        yield module, name, child
        yield from children_of(child)


def silu64(values: Tensor) -> Tensor:
    """Return SiLU in float64."""
    return F.silu(values.double())
