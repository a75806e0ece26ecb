# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""TensorRT engine as a stage of the network, with tensors bound by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_core.engines.accuracy import Stage
from jasmine_core.engines.builder import Library, log_of
from jasmine_core.engines.cache import read_plan
from jasmine_core.engines.cuda import DeviceArray, Stream, load_cuda
from jasmine_core.engines.prepare import EngineRefusedError, StageEngine
from jasmine_core.errors import EngineError


class EngineStage:
    """Engine that runs on a stream; stages exchange tensors of the same name on the GPU."""

    def __init__(
        self, library: Library, cuda: Any, plan: bytes, stream: Stream, pool: dict[str, DeviceArray]
    ) -> None:
        trt, log = library.module, log_of(library)
        log.errors.clear()
        self._runtime = trt.Runtime(log)  # outlives the engine
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        context = self._engine.create_execution_context() if self._engine else None
        if context is None:
            raise EngineRefusedError(
                f"TensorRT {library.version} cannot load the engine: {log.reason()}; `jasmine "
                "doctor` shows which GPU and libraries this machine has"
            )
        self._context: Any = context
        self._library, self._stream, self._pool = library, stream, pool
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        for i in range(self._engine.num_io_tensors):
            self._bind(trt, cuda, self._engine.get_tensor_name(i))

    def _bind(self, trt: Any, cuda: Any, name: str) -> None:
        shape = tuple(self._engine.get_tensor_shape(name))
        kind = self._engine.get_tensor_dtype(name)
        if kind != trt.DataType.FLOAT or -1 in shape:
            raise EngineError(
                f"tensor {name} of the engine is {kind} {list(shape)} instead of float32 of a "
                "static shape; build the engine again"
            )
        array = self._pool.get(name) or DeviceArray(cuda, shape)
        if array.shape != shape:
            raise EngineError(
                f"tensor {name} is {list(shape)} in one engine and {list(array.shape)} in another; "
                "build the engines again"
            )
        self._pool[name] = array
        self._context.set_tensor_address(name, array.pointer)
        mode = self._engine.get_tensor_mode(name)
        (self.inputs if mode == trt.TensorIOMode.INPUT else self.outputs).append(name)

    def enqueue(self) -> None:
        """Queue the engine on its stream; inputs and outputs are in the shared GPU tensors."""
        if not self._context.execute_async_v3(self._stream.handle):
            raise EngineError(f"the engine cannot be run: {log_of(self._library).reason()}")

    def __call__(
        self, tensors: Mapping[str, NDArray[np.float32]]
    ) -> dict[str, NDArray[np.float32]]:
        """Return the outputs for the inputs, both as arrays on the CPU."""
        for name in self.inputs:
            self._pool[name].upload(tensors[name], self._stream)
        self.enqueue()
        outputs = {name: self._pool[name].download(self._stream) for name in self.outputs}
        self._stream.synchronize()
        return outputs


class EngineLoader:
    """Loader of engines in the cache as stages for the accuracy check."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def __call__(self, engines: Mapping[str, StageEngine]) -> dict[str, Stage]:
        """Return the stages of engines; they share one new stream."""
        cuda = load_cuda()
        stream, pool = Stream(cuda), dict[str, DeviceArray]()
        return {
            name: EngineStage(self._library, cuda, read_plan(built.engine)[1], stream, pool)
            for name, built in engines.items()
        }
