# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""GPU memory, streams and CUDA graphs through NVIDIA's Python bindings, without torch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jasmine_core.errors import EngineError


def load_cuda() -> Any:
    """Import the Python bindings of the CUDA runtime; raise EngineError if they are missing."""
    try:
        from cuda.bindings import runtime  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError as err:
        raise EngineError(
            f"engines need the Python bindings of CUDA ({err}); install the version that matches "
            "the driver: pip install 'cuda-bindings==12.*' on JetPack 6, 'cuda-bindings==13.*' for "
            "CUDA 13"
        ) from err
    return runtime


def check(cuda: Any, answer: tuple[Any, ...]) -> Any:
    """Return the value of a CUDA call, given (status, value); raise EngineError for a failure."""
    status, *values = answer
    if status != cuda.cudaError_t.cudaSuccess:
        message = cuda.cudaGetErrorString(status)[1]
        text = message.decode() if isinstance(message, bytes) else status
        raise EngineError(f"a CUDA call failed: {text}")
    return values[0] if values else None


class Stream:
    """CUDA stream: operations queued on it run in order."""

    def __init__(self, cuda: Any) -> None:
        self._cuda = cuda
        self.handle = int(check(cuda, cuda.cudaStreamCreate()))

    def synchronize(self) -> None:
        """Wait until all queued operations are finished."""
        check(self._cuda, self._cuda.cudaStreamSynchronize(self.handle))

    def begin_capture(self) -> None:
        """Record the following operations in a CUDA graph instead of running them."""
        mode = self._cuda.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        check(self._cuda, self._cuda.cudaStreamBeginCapture(self.handle, mode))

    def end_capture(self) -> Any:
        """Return the recorded CUDA graph, ready to be launched."""
        graph = check(self._cuda, self._cuda.cudaStreamEndCapture(self.handle))
        executable = check(self._cuda, self._cuda.cudaGraphInstantiate(graph, 0))
        check(self._cuda, self._cuda.cudaGraphDestroy(graph))
        return executable

    def launch(self, executable: Any) -> None:
        """Queue a recorded CUDA graph."""
        check(self._cuda, self._cuda.cudaGraphLaunch(executable, self.handle))

    def __del__(self) -> None:
        if getattr(self, "handle", 0):
            self._cuda.cudaStreamDestroy(self.handle)


class DeviceArray:
    """Float32 tensor in GPU memory."""

    def __init__(self, cuda: Any, shape: tuple[int, ...]) -> None:
        self._cuda = cuda
        self.shape = shape
        self.nbytes = 4 * math.prod(shape)
        self.pointer = int(check(cuda, cuda.cudaMalloc(self.nbytes)))

    def upload(self, values: NDArray[np.float32], stream: Stream) -> None:
        """Queue the copy of an array to the GPU; the array may be changed afterwards."""
        if values.shape != self.shape:
            raise EngineError(
                f"a tensor of shape {list(values.shape)} was given to an engine that takes "
                f"{list(self.shape)}"
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
        """Queue the copy into a new array, which is filled once the stream is synchronized."""
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
