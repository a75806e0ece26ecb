# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""The seam between the predictor and whatever runs the network; numpy on both sides."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

BACKENDS = ("auto", "torch")
PRECISIONS = ("auto", "fp32", "fp16", "bf16")


@dataclass(frozen=True)
class BackendInfo:
    """Say what a backend runs, on what, and what its numbers mean."""

    name: str
    device: str
    precision: str
    model: str  # the checkpoint's own description
    nominal_size: tuple[int, int]  # (width, height) [px] that the network was trained on
    metres_per_unit: float | None  # None: depths are up-to-scale


@dataclass(frozen=True)
class NetworkMaps:
    """Hold the network's answer to one picture."""

    ssi: NDArray[np.float32]  # [h,w] in [0,1]
    depths: NDArray[np.float32]  # [n,h,w] after each SSG iteration, model units
    seconds: dict[str, float]  # wall time of each stage


class Backend(Protocol):
    """Run the network on one picture [3,h,w] float32 in [0,1]."""

    info: BackendInfo

    def __call__(self, image: NDArray[np.float32]) -> NetworkMaps:
        """Return the maps of one picture."""
        ...


@dataclass
class StageClock:
    """Measure the wall time of named stages, in the order they are run."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block under `name`."""
        start = perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start


def load_backend(checkpoint: str, backend: str, device: str, precision: str) -> Backend:
    """Load a checkpoint into a backend; "auto" chooses the best that this machine has."""
    if backend not in BACKENDS:
        raise ConfigError(f"backend {backend!r} is not one of {', '.join(BACKENDS)}")
    if precision not in PRECISIONS:
        raise ConfigError(f"precision {precision!r} is not one of {', '.join(PRECISIONS)}")
    try:
        from jasmine_core.runtime.backend_torch import TorchBackend
    except ImportError as err:
        raise ConfigError(
            f"the torch backend cannot be imported ({err}); pip install 'jasmine_ros[torch]'"
        ) from err
    return TorchBackend.load(checkpoint, device, precision)
