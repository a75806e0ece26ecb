# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Backend of TensorRT, with engines that were validated on this machine."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_core.artifacts.checkpoint import Checkpoint
from jasmine_core.engines.build import require_gpu, validate_engines
from jasmine_core.engines.builder import find_library
from jasmine_core.engines.cuda import DeviceArray, Stream, load_cuda
from jasmine_core.engines.gpu import Gpu
from jasmine_core.engines.stage import EngineStage
from jasmine_core.engines.validated_set import EngineSet, ready_engines
from jasmine_core.errors import ConfigError, EngineError, FrameError
from jasmine_core.runtime.backend import BackendInfo, NetworkMaps, StageClock

_NAMES = {"encoder": "encode", "unet": "denoise", "decoder": "decode"}  # as in other backends
_log = logging.getLogger(__name__)


class TensorRTBackend:
    """Engines of all stages on one stream; tensors between the stages stay on the GPU.

    Each set of engines is for one image size, and one set is loaded at a time. With `cuda_graph`
    all stages are recorded once as a CUDA graph; their times are then measured as one stage.
    """

    def __init__(self, sets: Sequence[EngineSet], gpu: Gpu, cuda_graph: bool = False) -> None:
        self._sets = {each.card.size: each for each in reversed(sets)}  # the first of each size
        self._cuda = load_cuda()
        self._cuda_graph = cuda_graph
        first = sets[0]
        self._load(first)
        self.info = BackendInfo(
            name="tensorrt",
            device=gpu.name,
            precision=", ".join(sorted(set(first.accuracy.precision.values()))),
            model=first.card.description,
            nominal_size=(first.card.nominal_width, first.card.nominal_height),
            metres_per_unit=first.card.metres_per_unit,
            untrained=first.card.untrained,
            multiple=first.card.multiple,
            canonical_focal=first.card.canonical_focal,
            scale_spread=first.card.scale_spread,
            sizes=tuple(self._sets),
        )

    @classmethod
    def load(cls, checkpoint: Checkpoint, device: str, precision: str) -> TensorRTBackend:
        """Load the engines of a checkpoint; build and validate them first if there are none."""
        if device not in ("auto", "cuda", "cuda:0"):
            raise ConfigError(
                f"device {device!r}: engines run on the first visible GPU; leave the device at "
                "auto, and choose the GPU with CUDA_VISIBLE_DEVICES"
            )
        if precision not in ("auto", "fp32", "fp16"):
            raise ConfigError(f"precision {precision!r}: engines can be built in fp16 or fp32")
        gpu = require_gpu()
        if sets := ready_engines(checkpoint, precision):
            try:
                return cls(sets, gpu)
            except EngineError as err:
                _log.warning("%s", err)
        return cls([validate_engines(checkpoint, gpu, None, precision)], gpu)

    def __call__(self, image: NDArray[np.float32]) -> NetworkMaps:
        """Return the maps of one image [3,h,w] in [0,1]."""
        size = (image.shape[2], image.shape[1])
        if size != self._size:
            if size not in self._sets:
                raise FrameError(
                    f"the network image has {size[0]}x{size[1]} px, but the engines are built for "
                    f"{', '.join(f'{width}x{height}' for width, height in self._sets)} px; "
                    "`jasmine export CHECKPOINT --tensorrt --size WIDTH HEIGHT` builds others"
                )
            self._load(self._sets[size])
        clock = StageClock()
        with clock.stage("upload"):
            self._pool["image"].upload(image[None], self._stream)
            self._stream.synchronize()
        if self._graph is not None:
            with clock.stage("network"):
                self._stream.launch(self._graph)
                self._stream.synchronize()
        else:
            for name, stage in self._stages.items():
                with clock.stage(name):
                    stage.enqueue()
                    self._stream.synchronize()
        with clock.stage("download"):
            outputs = {name: self._pool[name].download(self._stream) for name in ("ssi", "depth")}
            self._stream.synchronize()
            guard(outputs)
        return NetworkMaps(outputs["ssi"][0, 0], outputs["depth"][0], clock.seconds)

    def _load(self, engines: EngineSet) -> None:
        # The old engines are freed first, because GPU memory may not hold both.
        self._stages: dict[str, EngineStage] = {}
        self._pool: dict[str, DeviceArray] = {}
        library = find_library(engines.target.library)
        self._stream = Stream(self._cuda)
        for stage, plan in engines.plans().items():
            engine = EngineStage(library, self._cuda, plan, self._stream, self._pool)
            self._stages[_NAMES.get(stage, stage)] = engine
        self._graph = self._record() if self._cuda_graph else None
        self._size = engines.card.size

    def _record(self) -> Any:
        for _ in range(2):  # TensorRT's set-up during the first runs cannot be recorded
            self._enqueue()
        self._stream.synchronize()
        self._stream.begin_capture()
        self._enqueue()
        return self._stream.end_capture()

    def _enqueue(self) -> None:
        for stage in self._stages.values():
            stage.enqueue()


def guard(outputs: Mapping[str, NDArray[np.float32]]) -> None:
    """Raise FrameError if an output of the engines has NaN or infinite values."""
    for name, values in outputs.items():
        if not np.isfinite(values).all():
            share = 1 - np.isfinite(values).mean()
            raise FrameError(
                f"output {name} of the engine is not finite in {100 * share:.2g} % of the image; "
                "if this happens again, build engines with `jasmine export CHECKPOINT --tensorrt "
                "--precision fp32`"
            )
