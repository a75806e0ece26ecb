# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Builder of engines from ONNX graphs, by TensorRT 10.3 to 11.x or TensorRT for RTX.

The network is strongly typed: each tensor has the type given in the ONNX graph, so that the graph
alone determines the precision. Shapes are static, and no plugins are used.
"""

from __future__ import annotations

import importlib
import re
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from jasmine_core.child import environment, python_command
from jasmine_core.engines.build_progress import BuildProgress
from jasmine_core.errors import EngineError
from jasmine_core.interrupt import Interrupt

T = TypeVar("T")

TENSORRT, RTX = "tensorrt", "tensorrt_rtx"
OLDEST = 10  # first major version with strongly typed networks and tensors bound by name
WORKSPACE_MIB = 2048
MIB = 1 << 20


@dataclass(frozen=True)
class Library:
    """Installed TensorRT library."""

    name: str  # module: tensorrt or tensorrt_rtx
    version: str
    module: Any

    @property
    def ahead_of_time(self) -> bool:
        """Return whether it can build engines on a machine without the target GPU."""
        return self.name == RTX


@dataclass(frozen=True)
class Built:
    """Result of a build."""

    plan: Any  # buffer of about the size of the weights
    timing_cache: bytes
    seconds: float  # that the build took


def find_library(*names: str) -> Library:
    """Import the first TensorRT library of `names` that is installed; by default any."""
    missing = []
    for name in names or (TENSORRT, RTX):
        try:
            module = importlib.import_module(name)
        except (ImportError, OSError) as err:  # OSError: a shared library is missing
            missing.append(f"{name}: {err}")
            continue
        return _checked(Library(name, str(module.__version__), module))
    raise EngineError(
        f"TensorRT cannot be imported ({'; '.join(missing)}); on a Jetson it comes with JetPack "
        "(apt install python3-libnvinfer), elsewhere pip install 'jasmine_ros[tensorrt]' or, for "
        "GeForce and RTX cards, 'jasmine_ros[rtx]'"
    )


def _checked(library: Library) -> Library:
    if library.name == TENSORRT and int(library.version.split(".")[0]) < OLDEST:
        raise EngineError(
            f"TensorRT {library.version} is too old: strongly typed engines need {OLDEST}.3 or "
            "newer (JetPack 6.1); --backend onnxruntime or torch runs the same model without it"
        )
    return library


def build_engine(
    library: Library,
    graph: Path,
    capability: str,
    timing_cache: bytes = b"",
    workspace_mib: int = WORKSPACE_MIB,
) -> Built:
    """Build the engine of a graph for a GPU with a compute capability such as "8.9".

    TensorRT builds only for the GPU of this machine; TensorRT for RTX builds for every compute
    capability that it supports, without a GPU. Ctrl-C ends the build at its next step.

    Raises:
        EngineError: TensorRT does not start, or refuses the graph.
        KeyboardInterrupt: The build was interrupted.
    """
    if not library.ahead_of_time:
        check_start(library)
    from tqdm import tqdm  # imported late, because the live node imports this module without it

    with tqdm(total=100, unit="%", desc=f"engine {graph.stem}", disable=None) as bar:
        progress = BuildProgress(bar)
        return _interruptible(
            lambda: _build(library, graph, capability, timing_cache, workspace_mib, progress),
            progress,
        )


def _build(
    library: Library,
    graph: Path,
    capability: str,
    timing_cache: bytes,
    workspace_mib: int,
    progress: BuildProgress,
) -> Built:
    trt, log = library.module, log_of(library)
    log.errors.clear()

    # 1. Read the graph. TensorRT refuses mismatched types here.
    builder = trt.Builder(log)
    typed = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(typed)
    parser = trt.OnnxParser(network, log)
    if not parser.parse_from_file(str(graph)) or not network.num_outputs:
        raise EngineError(f"{graph} is refused by TensorRT {library.version}: {log.reason()}")
    _check_static(network, graph)

    # 2. Configure memory, target GPU and the timing cache of earlier builds.
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace_mib * MIB)
    config.clear_flag(trt.BuilderFlag.TF32)  # on by default, and less precise than fp32
    if library.ahead_of_time:
        config.num_compute_capabilities = 1
        config.set_compute_capability(_target(trt, capability), 0)
    else:
        _use_timings(config, timing_cache)

    # 3. Build.
    start = time.perf_counter()
    config.progress_monitor = _monitor(trt, progress)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineError(f"TensorRT {library.version} cannot build {graph}: {log.reason()}")
    kept = b"" if library.ahead_of_time else bytes(config.get_timing_cache().serialize())
    return Built(plan, kept, time.perf_counter() - start)


def check_start(library: Library, kind: str = "Builder") -> None:
    """Raise EngineError if TensorRT does not start.

    It is tried in another process, because a failing start ends the whole process.
    """
    script = f"import {library.name} as trt; trt.{kind}(trt.Logger(trt.Logger.ERROR))"
    command = python_command(script)
    done = subprocess.run(command, capture_output=True, text=True, env=environment())
    if done.returncode:
        errors = [line for line in (done.stdout + done.stderr).splitlines() if "Error Code" in line]
        raise EngineError(
            f"TensorRT {library.version} does not start on this machine ({first_reason(errors)}); "
            "it needs an NVIDIA GPU and a driver for the CUDA version that it was built for"
        )


def _check_static(network: Any, graph: Path) -> None:
    tensors = [network.get_input(i) for i in range(network.num_inputs)]
    tensors += [network.get_output(i) for i in range(network.num_outputs)]
    for tensor in tensors:
        if -1 in tuple(tensor.shape):
            raise EngineError(
                f"{graph}: tensor {tensor.name} has the dynamic shape {list(tensor.shape)}; "
                "engines are built for one size, so export the graph with --size"
            )


def _use_timings(config: Any, timing_cache: bytes) -> None:
    timings = config.create_timing_cache(timing_cache)
    if timings is None or not config.set_timing_cache(timings, ignore_mismatch=False):
        config.set_timing_cache(config.create_timing_cache(b""), ignore_mismatch=False)


def _target(trt: Any, capability: str) -> Any:
    known = trt.ComputeCapability.__members__
    target = known.get(f"SM{capability.replace('.', '')}")
    if target is None:
        listed = ", ".join(name for name in known if name.startswith("SM"))
        raise EngineError(
            f"TensorRT for RTX {trt.__version__} builds for {listed}, not for compute capability "
            f"{capability}; on such a GPU, use TensorRT or --backend torch"
        )
    return target


def _interruptible(build: Callable[[], T], progress: BuildProgress) -> T:
    """Run a build in a thread, so that Ctrl-C interrupts it.

    Python handles signals in the main thread. During a build there, only TensorRT's callbacks run
    Python code, and exceptions raised in them are lost.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(build())
        except BaseException as err:
            failures.append(err)

    worker = threading.Thread(target=run, name="engine build", daemon=True)
    with Interrupt() as interrupt:
        worker.start()
        while worker.is_alive():
            worker.join(timeout=0.1)
            progress.cancelled = interrupt.requested
    if interrupt.requested:
        raise KeyboardInterrupt
    if failures:
        raise failures[0]
    return results[0]


def _monitor(trt: Any, progress: BuildProgress) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]  # imported at run time only
        def phase_start(self, name: str, parent: str | None, steps: int) -> None:
            progress.start(name, parent, steps)

        def step_complete(self, name: str, step: int) -> bool:
            return progress.step(name, step)

        def phase_finish(self, name: str) -> None:
            progress.finish(name)

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)  # pybind11 requires this form, not super()

    return Monitor()


@cache  # because TensorRT uses only the first logger of a process
def log_of(library: Library) -> Any:
    """Return TensorRT's logger of this process; it stores errors for exception messages."""
    trt: Any = library.module

    class Log(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.errors.append(message)

        def reason(self) -> str:
            return first_reason(self.errors)

    return Log()


def first_reason(errors: list[str]) -> str:
    """Return the text of the first error, without TensorRT's function and source line."""
    if not errors:
        return "TensorRT gives no reason"
    # Without a GPU, errors of the CUDA runtime come with every other error; they do not explain it.
    relevant = [error for error in errors if "Cuda Runtime" not in error] or errors
    message = relevant[0].splitlines()[0]
    inner = re.search(r"Error Code \d+: .*?\((.*)\)$", message)
    reason = inner.group(1) if inner else message
    return re.sub(r"\.? In \w+ at \S+:\d+", "", reason).strip()
