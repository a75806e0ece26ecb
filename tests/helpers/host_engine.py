# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fake of CUDA and TensorRT on the CPU, to test the binding of tensors and the queues.

Its memory is host memory, and its engines are ONNX graphs that ONNX Runtime runs. Queued work runs
when a stream is synchronized, as late as a GPU may run it. Other tests check that the real modules
have the calls of the fakes.
"""

from __future__ import annotations

import ctypes
import math
from types import ModuleType, SimpleNamespace

import numpy as np


class HostCuda:
    """Fake of the calls of `cuda.bindings.runtime` that the backend makes."""

    def __init__(self, real) -> None:
        self.cudaError_t = real.cudaError_t
        self.cudaMemcpyKind = real.cudaMemcpyKind
        self.cudaStreamCaptureMode = real.cudaStreamCaptureMode
        self.cudaGetErrorString = real.cudaGetErrorString
        self.memory: dict[int, ctypes.Array] = {}
        self.queues: dict[int, list] = {}
        self.captures: dict[int, list] = {}
        self.launches = 0
        self.refusals = 0  # engines that will be refused
        self._good = real.cudaError_t.cudaSuccess

    def cudaMalloc(self, size):
        block = ctypes.create_string_buffer(b"\xff" * size, size)  # NaN until it is written
        self.memory[ctypes.addressof(block)] = block
        return self._good, ctypes.addressof(block)

    def cudaFree(self, pointer):
        del self.memory[pointer]
        return (self._good,)

    def cudaMemGetInfo(self):
        used = sum(len(block) for block in self.memory.values())
        return self._good, (1 << 30) - used, 1 << 30

    def cudaStreamCreate(self):
        handle = 1000 + len(self.queues)
        self.queues[handle] = []
        return self._good, handle

    def cudaStreamDestroy(self, handle):
        return (self._good,)

    def cudaStreamSynchronize(self, handle):
        queue, self.queues[handle] = self.queues[handle], []
        for work in queue:
            work()
        return (self._good,)

    def cudaMemcpyAsync(self, target, source, size, kind, handle):
        assert handle not in self.captures, "copies of pageable memory cannot be captured"
        if kind == self.cudaMemcpyKind.cudaMemcpyHostToDevice:
            staged = ctypes.string_at(source, size)  # pageable memory is copied at once
            self.enqueue(handle, lambda: ctypes.memmove(target, staged, size))
        else:
            self.enqueue(handle, lambda: ctypes.memmove(target, source, size))
        return (self._good,)

    def cudaStreamBeginCapture(self, handle, mode):
        self.captures[handle] = []
        return (self._good,)

    def cudaStreamEndCapture(self, handle):
        return self._good, self.captures.pop(handle)

    def cudaGraphInstantiate(self, graph, flags):
        return self._good, tuple(graph)

    def cudaGraphDestroy(self, graph):
        return (self._good,)

    def cudaGraphLaunch(self, executable, handle):
        self.launches += 1
        self.queues[handle] += executable
        return (self._good,)

    def enqueue(self, handle, work) -> None:
        self.captures.get(handle, self.queues[handle]).append(work)


def host_tensorrt(cuda: HostCuda) -> ModuleType:
    """Return a fake of the module tensorrt, whose plans are ONNX files and whose GPU is `cuda`."""
    import onnxruntime

    class Log:
        ERROR, INTERNAL_ERROR = "error", "internal"

        def __init__(self) -> None: ...

    class Engine:
        def __init__(self, plan: bytes) -> None:
            self.session = onnxruntime.InferenceSession(plan, providers=["CPUExecutionProvider"])
            self.inputs = {t.name: t.shape for t in self.session.get_inputs()}
            self.outputs = {t.name: t.shape for t in self.session.get_outputs()}
            self.shapes = self.inputs | self.outputs
            self.num_io_tensors = len(self.shapes)

        def get_tensor_name(self, i):
            return list(self.shapes)[i]

        def get_tensor_shape(self, name):
            return self.shapes[name]

        def get_tensor_dtype(self, name):
            return "float"

        def get_tensor_mode(self, name):
            return "input" if name in self.inputs else "output"

        def create_execution_context(self):
            return Context(self)

    class Context:
        def __init__(self, engine) -> None:
            self.engine, self.addresses = engine, {}

        def set_tensor_address(self, name, pointer):
            self.addresses[name] = pointer

        def execute_async_v3(self, handle):
            assert self.addresses.keys() == self.engine.shapes.keys(), "a tensor is not bound"
            cuda.enqueue(handle, self.run)
            return True

        def run(self):
            feed = {name: self.at(name).copy() for name in self.engine.inputs}
            answers = self.engine.session.run(list(self.engine.outputs), feed)
            for name, values in zip(self.engine.outputs, answers, strict=True):
                self.at(name)[...] = values

        def at(self, name):
            shape = self.engine.shapes[name]
            assert self.addresses[name] in cuda.memory, f"{name} is bound to memory that was freed"
            block = (ctypes.c_float * math.prod(shape)).from_address(self.addresses[name])
            return np.ctypeslib.as_array(block).reshape(shape)

    class Runtime:
        def __init__(self, log) -> None: ...

        def deserialize_cuda_engine(self, plan):
            if cuda.refusals:
                cuda.refusals -= 1
                return None
            return Engine(plan)

    module = ModuleType("host_tensorrt")
    module.ILogger, module.Runtime = Log, Runtime
    module.DataType = SimpleNamespace(FLOAT="float")
    module.TensorIOMode = SimpleNamespace(INPUT="input", OUTPUT="output")
    return module
