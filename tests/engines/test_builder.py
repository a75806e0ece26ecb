# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Engine builder with TensorRT for RTX, which builds ahead of time without a GPU."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.engine_graphs import rtx_library, write_graph

from jasmine_core.engines.builder import (
    TENSORRT,
    Library,
    build_engine,
    check_start,
    find_library,
    first_reason,
)
from jasmine_core.errors import EngineError

ROOT = Path(__file__).parents[2]
rtx = pytest.mark.rtx


@pytest.fixture(scope="module")
def library():
    pytest.importorskip("onnx")
    return rtx_library()


@rtx
@pytest.mark.parametrize("capability", ["8.6", "8.9", "12.0"])
def test_fp16_engine_is_smaller_than_fp32_engine(tmp_path, library, capability):
    sizes = {}
    for precision in ("fp32", "fp16"):
        graph = write_graph(tmp_path / f"{precision}.onnx", precision, layers=20)
        sizes[precision] = len(memoryview(build_engine(library, graph, capability).plan))
    assert 10_000 < sizes["fp16"] < sizes["fp32"]


@rtx
def test_error_for_a_wrongly_typed_graph_names_the_node(tmp_path, library):
    graph = write_graph(tmp_path / "wrong.onnx", "fp16", wrong_type=True)
    with pytest.raises(EngineError) as error:
        build_engine(library, graph, "8.9")
    assert "\n" not in str(error.value)
    assert "is refused by TensorRT" in str(error.value)
    assert "last" in str(error.value)
    assert "`input` type is Half but `kernel` is of type Float" in str(error.value)


@rtx
def test_file_that_is_not_a_graph_is_refused(tmp_path, library):
    graph = tmp_path / "noise.onnx"
    graph.write_bytes(bytes(range(256)))
    with pytest.raises(EngineError, match=r"noise\.onnx is refused by TensorRT") as error:
        build_engine(library, graph, "8.9")
    assert "\n" not in str(error.value)


@rtx
def test_dynamic_shape_is_refused(tmp_path, library):
    graph = write_graph(tmp_path / "open.onnx", height="h")
    with pytest.raises(EngineError, match=r"image has the dynamic shape \[1, 3, -1, 128\]"):
        build_engine(library, graph, "8.9")


@rtx
def test_error_for_an_unknown_gpu_lists_the_known_ones(tmp_path, library):
    graph = write_graph(tmp_path / "graph.onnx")
    with pytest.raises(EngineError, match=r"SM86.*not for compute capability 8\.7; on such"):
        build_engine(library, graph, "8.7")


@rtx
def test_graph_that_the_target_gpu_cannot_run_is_refused(tmp_path, library):
    pytest.importorskip("onnx")
    graph = write_graph(tmp_path / "graph.onnx", gemm=True)
    with pytest.raises(EngineError, match=r"cannot build .*graph\.onnx: .* FP32") as error:
        build_engine(library, graph, "7.5")
    assert "\n" not in str(error.value)


BUILD = """
import sys
from pathlib import Path
from jasmine_core.engines.build_progress import BuildProgress
from jasmine_core.engines.builder import build_engine, find_library

class PrintingProgress(BuildProgress):
    def step(self, name, number):
        print("building", flush=True)
        return super().step(name, number)

build_engine.__globals__["BuildProgress"] = PrintingProgress
try:
    build_engine(find_library("tensorrt_rtx"), Path(sys.argv[1]), "8.9")
    print("finished")
except KeyboardInterrupt:
    print("stopped")
"""


@rtx
def test_interrupt_ends_a_build(tmp_path, library):
    graph = write_graph(tmp_path / "graph.onnx", layers=400)
    with subprocess.Popen(
        [sys.executable, "-c", BUILD, str(graph)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout.readline() == "building\n"
        process.send_signal(signal.SIGINT)  # during the build
        assert process.stdout.read().splitlines()[-1] == "stopped"
    assert process.returncode == 0


def test_error_for_a_missing_library_names_the_packages():
    with pytest.raises(EngineError, match=r"python3-libnvinfer.*jasmine_ros\[rtx\]") as error:
        find_library("tensorrt_of_nobody")
    assert "No module named 'tensorrt_of_nobody'" in str(error.value)


def installed(folder: Path, text: str) -> str:
    """Return the result of `find_library` for a module with this text in place of TensorRT."""
    (folder / "tensorrt.py").write_text(text)
    script = f"""
from jasmine_core.errors import EngineError
from jasmine_core.engines.builder import find_library
try:
    library = find_library({TENSORRT!r})
    print(library.name, library.version)
except EngineError as err:
    print(err)
"""
    path = os.pathsep.join([str(folder), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    return done.stdout.strip()


def test_tensorrt_that_is_too_old_is_refused(tmp_path):
    message = installed(tmp_path, '__version__ = "8.6.1.post1"')
    assert message.startswith("TensorRT 8.6.1.post1 is too old")
    assert "onnxruntime" in message
    assert installed(tmp_path, '__version__ = "10.3.0"') == "tensorrt 10.3.0"


def test_error_for_tensorrt_without_its_shared_library_names_it(tmp_path):
    missing = 'import ctypes\nctypes.CDLL("libnvinfer.so.of_nobody")'
    message = installed(tmp_path, missing)
    assert "cannot be imported (tensorrt: libnvinfer.so.of_nobody: cannot open shared" in message
    assert "JetPack" in message


DIES = """
import os

class Logger:
    ERROR = 1

    def __init__(self, severity): ...

def Builder(log):
    print("[E] create: Error Code 6: API Usage Error (no driver In f at /_src/x.cpp:9)", flush=True)
    os.abort()
"""


def test_tensorrt_that_aborts_at_its_start_does_not_end_this_process(tmp_path, monkeypatch):
    # The lean runtime of TensorRT 11.4 aborted like this on a machine without a driver.
    (tmp_path / "dying_tensorrt.py").write_text(DIES)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EngineError, match=r"11\.4 does not start on this machine \(no driver\)"):
        check_start(Library("dying_tensorrt", "11.4", None))


@rtx
def test_tensorrt_for_rtx_starts_without_a_gpu(library):
    check_start(library)


def test_reason_is_the_text_of_the_first_relevant_error():
    noise = "[x.cpp::f::250] Error Code 1: Cuda Runtime (In f at /_src/x.cpp:250 (cudaError 35))"
    error = "IBuilder::build: Error Code 9: Internal Error (No kernel. In g at /_src/y.cpp:1)"
    assert first_reason([noise, error]) == "No kernel"
    assert first_reason(["plain words\nmore"]) == "plain words"
    assert first_reason([]) == "TensorRT gives no reason"
