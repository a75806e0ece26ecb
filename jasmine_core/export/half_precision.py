# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Half precision with fp32 fallback layers, and the probe that finds them."""

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
# Sums over a whole map: their squares, or hundreds of thousands of small weights, leave float16.
ALWAYS = (nn.GroupNorm, PooledScaleShift)


class Island(nn.Module):
    """Run a module in float32 inside a float16 network."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Return what the module returns, in float16 again."""
        args, kwargs = _cast((args, kwargs), torch.float32)
        return _cast(self.module(*args, **kwargs), torch.float16)


def in_half(network: Network, fp32_layers: Iterable[str] = ()) -> Network:
    """Return a float16 copy of a network; the modules `fp32_layers` stay in float32.

    So do GroupNorm and the SSG's attention, always.
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
        setattr(half.get_submodule(parent), child, Island(half.get_submodule(name)))
    _halve(half)
    return half


def _halve(module: nn.Module) -> None:
    if isinstance(module, Island):
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
    """Return the modules of a float32 network that must stay in float32, judged by an image.

    Every operation is looked at, not only what modules return: an attention's scores overflow
    inside of it. Where something exceeds `limit`, the smallest module around it is meant whose
    answer does not. The margin below float16's own limit is for images not seen here.
    """
    hot: set[str] = set()
    place: list[str] = []

    def exceeds(tree: Any) -> bool:
        return any(
            not float(leaf.detach().abs().amax()) <= limit  # NaN exceeds too
            for leaf in tree_leaves(tree)
            if isinstance(leaf, Tensor) and leaf.is_floating_point() and leaf.numel()
        )

    class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            result = func(*args, **(kwargs or {}))
            if place[-1] not in hot and exceeds(result):
                hot.add(place[-1])
            return result

    def enter(name: str) -> Any:
        return lambda *_: place.append(name)

    def leave(_module: nn.Module, _args: Any, answer: Any) -> None:
        name = place.pop()
        if name in hot and place and exceeds(answer):
            hot.remove(name)
            hot.add(place[-1])

    handles = []
    for name, module in network.named_modules():
        handles.append(module.register_forward_pre_hook(enter(name)))
        handles.append(module.register_forward_hook(leave))
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), Watch():  # type: ignore[no-untyped-call]
            network(image)
    finally:
        for handle in handles:
            handle.remove()
    return frozenset(name for name, _ in network.named_children()) if "" in hot else frozenset(hot)
