# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Memory, a stream and graphs of the GPU, through NVIDIA's own bindings: no torch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import EngineError


def load_cuda() -> Any:
    """Import the CUDA runtime's bindings."""
    try:
        from cuda.bindings import runtime  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError as err:
        raise EngineError(
            f"engines need CUDA's Python bindings ({err}); pip install those of the driver's CUDA: "
            "'cuda-bindings==12.*' on JetPack 6, 'cuda-bindings==13.*' for CUDA 13"
        ) from err
    return runtime


def check(cuda: Any, answer: tuple[Any, ...]) -> Any:
    """Return what a CUDA call answers behind its status; EngineError unless that is success."""
    status, *values = answer
    if status != cuda.cudaError_t.cudaSuccess:
        said = cuda.cudaGetErrorString(status)[1]
        raise EngineError(f"CUDA: {said.decode() if isinstance(said, bytes) else status}")
    return values[0] if values else None


class Stream:
    """Queue work on the GPU, in order."""

    def __init__(self, cuda: Any) -> None:
        self._cuda = cuda
        self.handle = int(check(cuda, cuda.cudaStreamCreate()))

    def synchronize(self) -> None:
        """Wait until all that was queued is done."""
        check(self._cuda, self._cuda.cudaStreamSynchronize(self.handle))

    def begin_capture(self) -> None:
        """Record what is queued from here on, instead of doing it."""
        mode = self._cuda.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        check(self._cuda, self._cuda.cudaStreamBeginCapture(self.handle, mode))

    def end_capture(self) -> Any:
        """Return what was recorded, ready to be launched."""
        graph = check(self._cuda, self._cuda.cudaStreamEndCapture(self.handle))
        executable = check(self._cuda, self._cuda.cudaGraphInstantiate(graph, 0))
        check(self._cuda, self._cuda.cudaGraphDestroy(graph))
        return executable

    def launch(self, executable: Any) -> None:
        """Queue a recorded graph."""
        check(self._cuda, self._cuda.cudaGraphLaunch(executable, self.handle))

    def __del__(self) -> None:
        if getattr(self, "handle", 0):
            self._cuda.cudaStreamDestroy(self.handle)


class DeviceArray:
    """Hold a float32 tensor on the GPU."""

    def __init__(self, cuda: Any, shape: tuple[int, ...]) -> None:
        self._cuda = cuda
        self.shape = shape
        self.nbytes = 4 * math.prod(shape)
        self.pointer = int(check(cuda, cuda.cudaMalloc(self.nbytes)))

    def upload(self, values: NDArray[np.float32], stream: Stream) -> None:
        """Queue the copy of an array; it may be changed once this returns."""
        if values.shape != self.shape:
            raise EngineError(
                f"tensor is {list(values.shape)}, the engine takes {list(self.shape)}"
            )
        source = np.ascontiguousarray(values, np.float32)
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
        check(
            self._cuda,
            self._cuda.cudaMemcpyAsync(
                self.pointer, source.ctypes.data, self.nbytes, kind, stream.handle
            ),
        )

    def download(self, stream: Stream) -> NDArray[np.float32]:
        """Queue the copy into a new array; it is filled once the stream is synchronised."""
        values = np.empty(self.shape, np.float32)
        kind = self._cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost
        check(
            self._cuda,
            self._cuda.cudaMemcpyAsync(
                values.ctypes.data, self.pointer, self.nbytes, kind, stream.handle
            ),
        )
        return values

    def __del__(self) -> None:
        if getattr(self, "pointer", 0):
            self._cuda.cudaFree(self.pointer)
