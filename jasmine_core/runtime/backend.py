# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Interface between the predictor and the backends that run the network, in numpy arrays."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.artifacts.onnx_exports import Exports
from jasmine_core.artifacts.shared_weights import is_part
from jasmine_core.engines.gpu import find_gpu
from jasmine_core.engines.validated_set import ready_engine
from jasmine_core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

BACKENDS = ("auto", "torch", "onnxruntime", "openvino", "tensorrt", "opencv")
PRECISIONS = ("auto", "fp32", "fp16", "bf16")
# Names of the stages of a network that runs as a whole or in parts.
NETWORK_STAGES = ("network", "encode", "denoise", "decode", "refine")
_MODULES = {  # module and class of each backend
    "torch": ("backend_torch", "TorchBackend"),
    "onnxruntime": ("backend_onnxruntime", "OnnxRuntimeBackend"),
    "openvino": ("backend_openvino", "OpenVinoBackend"),
    "tensorrt": ("backend_tensorrt", "TensorRTBackend"),
    "opencv": ("backend_opencv", "OpenCvBackend"),
    "disparity": ("backend_disparity", "DisparityBackend"),  # for the folder of a disparity net
}
_EXTRAS = {"onnxruntime": "onnx", "openvino": "openvino", "tensorrt": "tensorrt"}


@dataclass(frozen=True)
class BackendInfo:
    """Properties of a loaded backend: device, precision, model and units of the depth."""

    name: str
    device: str
    precision: str
    model: str  # description stored in the checkpoint
    nominal_size: tuple[int, int]  # (width, height) [px] that the network was trained on
    metres_per_unit: float | None  # None: depths are up-to-scale
    multiple: int = 64  # [px] both sides of the network's image are multiples of it
    canonical_focal: float | None = None  # [px] depths are those of a camera of this f_x
    scale_spread: float | None = None  # relative, of a learned scale; None: a measured scale
    sizes: tuple[tuple[int, int], ...] = ()  # supported (width, height) [px]; empty: any
    untrained: bool = False  # the weights are not trained for depth, which has no meaning


@dataclass(frozen=True)
class NetworkMaps:
    """Output of the network for one image."""

    ssi: NDArray[np.float32]  # [h,w] in [0,1]
    depths: NDArray[np.float32]  # [n,h,w] after each SSG iteration, model units
    seconds: dict[str, float]  # wall time of each stage


class Backend(Protocol):
    """Network that can be run on one image [3,h,w] float32 in [0,1]."""

    info: BackendInfo

    def __call__(self, image: NDArray[np.float32]) -> NetworkMaps:
        """Return the maps of one image."""
        ...


@dataclass
class StageClock:
    """Wall time of named stages, in the order in which they are run."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the duration of the block to the time of `name`."""
        start = perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start


def load_backend(checkpoint: Checkpoint, backend: str, device: str, precision: str) -> Backend:
    """Load a checkpoint into a backend; "auto" chooses the fastest one available.

    Raises:
        ConfigError: The backend or precision is unknown, or a package is missing.
    """
    if backend not in BACKENDS:
        raise ConfigError(f"backend {backend!r} is not one of {', '.join(BACKENDS)}")
    if precision not in PRECISIONS:
        raise ConfigError(f"precision {precision!r} is not one of {', '.join(PRECISIONS)}")
    if backend in ("auto", "torch") and checkpoint.kind == "disparity_net":
        backend = "disparity"
    elif backend == "auto":
        backend = choose_backend(checkpoint, device, precision)
    module, name = _MODULES[backend]
    try:
        kind = getattr(import_module(f"jasmine_core.runtime.{module}"), name)
    except ImportError as err:
        raise ConfigError(
            f"the {backend} backend cannot be imported ({err}); "
            f"pip install 'jasmine_ros[{_EXTRAS.get(backend, 'torch')}]'"
        ) from err
    loaded: Backend = kind.load(checkpoint, device, precision)
    return loaded


def choose_backend(checkpoint: Checkpoint, device: str, precision: str = "auto") -> str:
    """Return the backend that "auto" stands for, for a checkpoint on this machine.

    The first that applies: tensorrt if validated engines exist for this machine, torch if it has a
    GPU, onnxruntime if an export exists (beside torch: one that is not plain) or torch is not
    installed, torch, opencv. An export is not made for this choice, because that takes minutes.
    Torch is imported only if there is a GPU.
    """
    if checkpoint.kind == "disparity_net":
        return "torch"
    if device != "cpu" and ready_engine(checkpoint, precision=precision):
        return "tensorrt"
    torch = find_spec("torch") is not None
    if torch and device != "cpu" and find_gpu() is not None:
        from torch import cuda

        if cuda.is_available():
            return "torch"
    if find_spec("onnxruntime") is None:
        return "torch" if torch else "opencv"
    # A plain graph was made for OpenCV, whose use must not change what torch can run.
    made = any(
        not is_part(folder) and not (torch and card.plain and checkpoint.has_weights)
        for folder, card in Exports(checkpoint)
    )
    return "torch" if torch and not made else "onnxruntime"
