# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conversion to float16 with fp32 fallback layers, and the search for these layers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from jasmine_core.export.constant_folding import parameter, shared_copy
from jasmine_core.export.folded_ssg import PooledScaleShift

Network = TypeVar("Network", bound=nn.Module)

HALF_MAX = 65504.0  # the largest float16
# These modules sum over a whole map. Sums of squares exceed the range of float16, and softmax
# weights of hundreds of thousands of pixels fall below it.
ALWAYS = (nn.GroupNorm, PooledScaleShift)


class Fp32FallbackLayer(nn.Module):
    """Module that runs in float32 inside a float16 network."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return the outputs of the module, converted to float16."""
        args, kwargs = _cast((args, kwargs), torch.float32)
        return _cast(self.module(*args, **kwargs), torch.float16)


def in_half(network: Network, fp32_layers: Iterable[str] = ()) -> Network:
    """Return a float16 copy of a network; the modules `fp32_layers` stay in float32.

    GroupNorm and the attention of the SSG always stay in float32.
    """
    kept = set(fp32_layers)
    if unknown := kept - {name for name, _ in network.named_modules()}:
        raise ValueError(f"no module is called {', '.join(sorted(unknown))}")
    half = shared_copy(network)
    places = {
        name
        for name, module in half.named_modules()
        if name and (name in kept or isinstance(module, ALWAYS))
    }
    outermost = [n for n in places if not any(n.startswith(f"{other}.") for other in places)]
    for name in outermost:
        parent, _, child = name.rpartition(".")
        setattr(half.get_submodule(parent), child, Fp32FallbackLayer(half.get_submodule(name)))
    _halve(half)
    return half


def _halve(module: nn.Module) -> None:
    if isinstance(module, Fp32FallbackLayer):
        return
    for name, values in module.named_parameters(recurse=False):
        setattr(module, name, parameter(values, torch.empty((), dtype=torch.float16)))
    for child in module.children():
        _halve(child)


def _cast(tree: Any, dtype: torch.dtype) -> Any:
    def cast(leaf: Any) -> Any:
        return leaf.to(dtype) if isinstance(leaf, Tensor) and leaf.is_floating_point() else leaf

    return tree_map(cast, tree)


def find_fp32_layers(
    network: nn.Module, image: Tensor, limit: float = HALF_MAX / 4
) -> frozenset[str]:
    """Return the names of the modules that need float32, found by running one image [1,3,H,W].

    The result of every operation is checked, not only the outputs of modules, because the scores
    of an attention overflow inside of it. If a value exceeds `limit`, the smallest module that
    contains the operation and whose output stays within `limit` is returned. `limit` is below
    `HALF_MAX`, since other images can give larger values.
    """
    overflowing: set[str] = set()
    running: list[str] = []  # names of the modules being run, outermost first

    def exceeds(tree: Any) -> bool:
        return any(
            not float(leaf.detach().abs().amax()) <= limit  # also true for NaN
            for leaf in tree_leaves(tree)
            if isinstance(leaf, Tensor) and leaf.is_floating_point() and leaf.numel()
        )

    class CheckOperations(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            result = func(*args, **(kwargs or {}))
            if running[-1] not in overflowing and exceeds(result):
                overflowing.add(running[-1])
            return result

    def enter(name: str) -> Any:
        return lambda *_: running.append(name)

    def leave(_module: nn.Module, _args: Any, outputs: Any) -> None:
        name = running.pop()
        if name in overflowing and running and exceeds(outputs):
            overflowing.remove(name)
            overflowing.add(running[-1])

    handles = []
    for name, module in network.named_modules():
        handles.append(module.register_forward_pre_hook(enter(name)))
        handles.append(module.register_forward_hook(leave))
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), CheckOperations():  # type: ignore[no-untyped-call]
            network(image)
    finally:
        for handle in handles:
            handle.remove()
    if "" in overflowing:  # the network as a whole
        return frozenset(name for name, _ in network.named_children())
    return frozenset(overflowing)
